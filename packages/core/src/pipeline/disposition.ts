import { create } from 'content-disposition';
import type { ImageRequest } from '../contracts/dialect.ts';

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/gif': 'gif',
  'image/svg+xml': 'svg',
  'image/tiff': 'tiff',
  'image/heic': 'heic',
  'image/jxl': 'jxl',
  'image/bmp': 'bmp',
  'image/x-icon': 'ico',
};

/** By request, for the requests that are remembered: of a hit in memory this would be a fifth. */
const made = new WeakMap<ImageRequest, { readonly contentType: string; readonly value: string }>();

/** `makeContentDisposition`, once for each request and type. */
export function contentDisposition(request: ImageRequest, contentType: string): string {
  const known = made.get(request);
  if (known?.contentType === contentType) return known.value;
  const value = makeContentDisposition(request, contentType);
  made.set(request, { contentType, value });
  return value;
}

/**
 * `Content-Disposition` of a variant: the name that was asked for, or the source's own, with the
 * extension of what is actually sent. RFC 6266.
 */
function makeContentDisposition(request: ImageRequest, contentType: string): string {
  const { filename, attachment } = request.response;
  const stem = filename ?? lastSegment(request.source).replace(/\.[^.]*$/, '');
  const extension = EXTENSIONS[contentType.split(';')[0]?.trim().toLowerCase() ?? ''];
  const hasExtension = filename !== undefined && /\.[a-z0-9]{2,4}$/i.test(filename);
  const name = `${stem || 'image'}${extension === undefined || hasExtension ? '' : `.${extension}`}`;
  // A client that decodes `filename*` must not meet control characters either.
  return create(name.replace(/\p{Cc}/gu, '').replaceAll(/[/\\]/g, '_'), { type: attachment ? 'attachment' : 'inline' });
}

function lastSegment(source: string): string {
  const path = source.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  const segment = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
