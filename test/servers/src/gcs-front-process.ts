import { gcsFront } from './gcs-front.ts';

const [port = '0', upstream = ''] = process.argv.slice(2);
gcsFront(upstream).listen(Number(port), '127.0.0.1');
