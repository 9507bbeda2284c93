/** One check and what came of it. */
export interface Stage {
  readonly label: string;
  readonly outcome: 'good' | 'bad' | 'unchecked';
  readonly text: string;
}
