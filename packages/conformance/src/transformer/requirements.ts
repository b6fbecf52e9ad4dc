import type { Requirement } from '../catalogue/requirement.ts';

/** What every transformer owes. */
export const transformerRequirements: readonly Requirement[] = [
  {
    id: 'transformer.revision',
    level: 'must',
    rule: '`revision` is a text, and the same for two instances.',
    source: 'Transformer.revision: "Part of the cache key."',
  },
  {
    id: 'transformer.supports',
    level: 'must',
    rule: '`supports` names operations that there are, at least one input and one output format, none twice.',
    source: 'Transformer.supports',
  },
  {
    id: 'transformer.output-formats',
    level: 'must',
    rule: 'Every declared output format is made: Content-Type and the first bytes say so.',
    source: 'Transformer.supports.outputFormats',
  },
  {
    id: 'transformer.undeclared-format',
    level: 'must',
    rule: 'An output format that is not declared is `unsupported`.',
    source: 'TransformErrorCode',
  },
  {
    id: 'transformer.result-is-described',
    level: 'must',
    rule: '`width` and `height` are those of the picture that is returned.',
    source: 'TransformResult',
  },
  {
    id: 'transformer.fit',
    level: 'must',
    rule: '`fit` keeps the ratio and stays within the box.',
    source: 'ResizeType',
  },
  { id: 'transformer.fill', level: 'must', rule: '`fill` covers the box exactly.', source: 'ResizeType' },
  { id: 'transformer.force', level: 'must', rule: '`force` gives exactly the box.', source: 'ResizeType' },
  {
    id: 'transformer.enlarge',
    level: 'must',
    rule: 'A picture is scaled up only if `enlarge` says so.',
    source: 'Operations.resize.enlarge',
  },
  {
    id: 'transformer.not-an-image',
    level: 'must',
    rule: 'Text, nothing and noise are `not-an-image`.',
    source: 'TransformErrorCode',
  },
  {
    id: 'transformer.broken-image',
    level: 'must',
    rule: 'An image cut off in the middle is `broken-image`.',
    source: 'TransformErrorCode',
  },
  {
    id: 'transformer.pixel-limit',
    level: 'must',
    rule: 'Too many pixels are `too-many-pixels`, from the header and before any is decoded.',
    source: 'TransformLimits: "Checked from the header before any pixel is decoded"',
  },
  {
    id: 'transformer.result-limit',
    level: 'must',
    rule: 'A result with a side above the limit is `result-too-large`.',
    source: 'TransformLimits.maxResultDimension',
  },
  {
    id: 'transformer.input-is-unchanged',
    level: 'must',
    rule: 'The source bytes are the same afterwards.',
    source: 'TransformRequest.input: "not changed by either side"',
  },
  {
    id: 'transformer.is-repeatable',
    level: 'must',
    rule: 'The same request gives the same bytes.',
    source: 'Transformer.revision: "Changes whenever the same request would give other bytes"',
  },
  {
    id: 'transformer.concurrent',
    level: 'must',
    rule: 'Requests at the same time do not mix.',
    source: 'Transformer.transform',
  },
  {
    id: 'transformer.abort',
    level: 'must',
    rule: 'An aborted request settles within two seconds and the next one works.',
    source: 'TransformRequest.signal',
  },
];
