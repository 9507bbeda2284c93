export interface Measured {
  readonly name: string;
  readonly median: number;
  readonly rounds: readonly number[];
}

export interface Contender {
  readonly name: string;
  /** A rate: more is better. */
  readonly measure: () => number | Promise<number>;
}

/** All in turn, several times, so that whatever else the machine does meets them alike. */
export async function measureInTurn(contenders: readonly Contender[], rounds: number): Promise<Measured[]> {
  const rates = contenders.map((): number[] => []);
  for (let round = 1; round <= rounds; round++)
    for (const [i, { name, measure }] of contenders.entries()) {
      const rate = Math.round(await measure());
      rates[i].push(rate);
      console.log(`round ${round}: ${name}: ${rate.toLocaleString('en')} /s`);
    }
  return contenders.map(({ name }, i) => {
    const sorted = rates[i].toSorted((a, b) => a - b);
    return { name, median: sorted[sorted.length >> 1], rounds: rates[i] };
  });
}
