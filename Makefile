# Thin names for the npm scripts, which are what runs.
.PHONY: install build test check benchmark demo

install:
	npm ci

build:
	npm run build

test:
	npm test

check:
	npm run check

benchmark:
	npm run bench

demo:
	npm run demo
