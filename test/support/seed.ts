let seed: number | undefined;

/** The seed of this run's random inputs: TEST_SEED, or the time. Printed once, so that a failure can be played again. */
export function testSeed(): number {
  if (seed === undefined) {
    const given = process.env.TEST_SEED;
    seed = given === undefined ? Date.now() % 0x7fff_ffff : Number(given);
    if (!Number.isSafeInteger(seed)) throw new Error(`TEST_SEED is not an integer: "${given}"`);
    console.log(`TEST_SEED=${seed}`);
  }
  return seed;
}
