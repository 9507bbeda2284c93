import { INTACT, type Attack } from '../attack.ts';
import { runProgram } from '../native.ts';

export const operatorChmod: Attack = {
  name: 'benign-chmod',
  summary: 'control: an operator lets a group read the segments',
  needs: [],
  isHarmful: false,
  expected: INTACT,
  isLocated: false,
  live: 'quiet',
  apply(view) {
    runProgram('chmod', ['g+rx', view.path('segments')]);
    for (const { path } of view.segments()) runProgram('chmod', ['g+r', path]);
    return { leaves: undefined, note: `chmod g+r of ${view.path('segments')} and the files in it` };
  },
};
