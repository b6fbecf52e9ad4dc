import { describe, expect, test } from 'vitest';
import { objectSource } from './object-source.ts';

describe('a source names bucket, key and version', () => {
  test.each([
    ['s3://photos/2026/cat.jpg', { bucket: 'photos', key: '2026/cat.jpg', version: undefined }],
    ['S3://Photos/Cat.JPG', { bucket: 'Photos', key: 'Cat.JPG', version: undefined }],
    ['gs://b//cat.jpg', { bucket: 'b', key: 'cat.jpg', version: undefined }],
    ['s3://b/cat.jpg?3HL4kqtJ', { bucket: 'b', key: 'cat.jpg', version: '3HL4kqtJ' }],
    ['s3://b/cat.jpg?', { bucket: 'b', key: 'cat.jpg', version: undefined }],
    ['s3://b/a%20b #1.png?v?w', { bucket: 'b', key: 'a%20b #1.png', version: 'v?w' }],
    ['s3://My_old.Bucket/%2e%2e/...', { bucket: 'My_old.Bucket', key: '%2e%2e/...', version: undefined }],
  ])('%s', (source, parts) => {
    expect(objectSource(source)).toEqual(parts);
  });
});

test.each([
  's3://photos/../secret/cat.jpg',
  's3://photos/a/../../secret/cat.jpg',
  's3://photos/..\\secret/cat.jpg',
  's3://photos/./cat.jpg',
  's3://photos/..',
  's3://../secret/cat.jpg',
  's3://./secret/cat.jpg',
  's3://.../secret/cat.jpg',
  's3://%2e%2e/secret/cat.jpg',
  's3://photos%2f..%2fsecret/cat.jpg',
  's3://a\\..\\secret/cat.jpg',
  's3://arn:aws:s3:eu-west-1:123456789012:accesspoint:secret/cat.jpg',
])('%s leads nowhere', (source) => {
  expect(() => objectSource(source)).toThrow(expect.objectContaining({ name: 'OriginError', code: 'invalid-source' }));
});

test('whatever a service takes for a name, dots lead nowhere', () => {
  for (const source of ['swift://../AUTH_other/c/x', 'swift://./c/x', 'swift://c/../x']) {
    expect(() => objectSource(source, () => true)).toThrow(expect.objectContaining({ code: 'invalid-source' }));
  }
  expect(objectSource('swift://my photos/x', () => true).bucket).toBe('my photos');
});

test.each(['s3://', 's3://b', 's3://b/', 's3:///key', 's3://b/?v', 'b/key'])('%s is no source', (source) => {
  expect(() => objectSource(source)).toThrow(expect.objectContaining({ name: 'OriginError', code: 'invalid-source' }));
});
