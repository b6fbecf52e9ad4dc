import { expect, test } from 'vitest';
import { endpointUrl } from './endpoint-url.ts';

test.each([
  ['https://s3.example.com', 'https://s3.example.com'],
  ['https://s3.example.com/', 'https://s3.example.com'],
  ['http://127.0.0.1:9000/minio//', 'http://127.0.0.1:9000/minio'],
  ['localhost:9000', 'http://localhost:9000'],
  ['HTTPS://s3.example.com', 'HTTPS://s3.example.com'],
  ['ftp://s3.example.com', undefined],
  ['https://user@s3.example.com', undefined],
  ['https://user:secret@s3.example.com', undefined],
  ['https://s3.example.com/?list-type=2', undefined],
  ['https://s3.example.com/#here', undefined],
  ['https://', undefined],
  ['two words', undefined],
])('%s is %s', (text, url) => {
  expect(endpointUrl(text)).toBe(url);
});

test('without a scheme it is the one that is said', () => {
  expect(endpointUrl('photos.blob.core.windows.net', 'https')).toBe('https://photos.blob.core.windows.net');
  expect(endpointUrl('http://127.0.0.1:10000', 'https')).toBe('http://127.0.0.1:10000');
});
