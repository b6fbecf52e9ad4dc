import { TransformError } from '../contracts/transformer.ts';

/** Whether work may wait for a place: asked when there is none. Who works in the background may not. */
export type MayWait = () => boolean;

export const ALWAYS: MayWait = () => true;

/** Work in the background was left, because requests are all there is room for. */
export class ShedError extends TransformError {
  constructor() {
    super('overloaded', 'There is no room for work in the background.');
  }
}
