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
    ['s3://b/../c/./d.png', { bucket: 'b', key: '../c/./d.png', version: undefined }],
  ])('%s', (source, parts) => {
    expect(objectSource(source)).toEqual(parts);
  });
});

test.each(['s3://', 's3://b', 's3://b/', 's3:///key', 's3://b/?v', 'b/key'])('%s is no source', (source) => {
  expect(() => objectSource(source)).toThrow(expect.objectContaining({ name: 'OriginError', code: 'invalid-source' }));
});
