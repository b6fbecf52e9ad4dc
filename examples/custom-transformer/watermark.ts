import { definePlugin, type Plugin, type Transformer, type TransformRequest, tokens } from '@tintype/core';
import sharp from 'sharp';

const MARK = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="24">
    <text x="4" y="18" font-family="sans-serif" font-size="16" fill="white" fill-opacity="0.7">© Example</text>
  </svg>`,
);

/** Raise it whenever the mark changes: it is part of the cache key, so old results are not found again. */
const MARK_REVISION = 1;

/** Lets `inner` do all the work, and writes a line into the corner of what it made. */
function watermarked(inner: Transformer): Transformer {
  return {
    revision: `${inner.revision};watermark=${MARK_REVISION}`,
    supports: inner.supports,
    open: () => inner.open(),
    close: () => inner.close(),
    async transform(request: TransformRequest) {
      const result = await inner.transform(request);
      if (result.width < 120 || result.height < 24) return result;
      const marked = sharp(result.body, { animated: true }).composite([
        { input: MARK, gravity: 'southeast', tile: false },
      ]);
      const body = await marked.toBuffer();
      return { ...result, body };
    },
  };
}

/** Wraps whatever transformer the proxy has. */
const watermark: Plugin = definePlugin({
  name: 'watermark',
  register({ container }) {
    container.onActivation(tokens.transformer, (_context, transformer) => watermarked(transformer));
  },
});

export default watermark;
