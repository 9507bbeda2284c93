/** Labels of what is done to artifacts, closed. */
export const VERSION_CAUSES = [
  'put',
  'rollback',
  'revert',
  'confirm',
  'hold',
  'release',
  'legal-hold',
  'legal-release',
  'pin',
  'unpin',
] as const;
export type VersionCause = (typeof VERSION_CAUSES)[number];

export const VERSION_OUTCOMES = ['done', 'refused', 'failed'] as const;
export type VersionOutcome = (typeof VERSION_OUTCOMES)[number];
