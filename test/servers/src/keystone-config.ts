import { join } from 'node:path';

/** keystone.conf: SQLite, tokens that carry what they say, and hashes of passwords that are quick to make. */
export function keystoneConfig(folder: string, port: number): string {
  return `[DEFAULT]
log_file = ${join(folder, 'log')}
public_endpoint = http://127.0.0.1:${port}
[database]
connection = sqlite:///${join(folder, 'keystone.db')}?timeout=10
[token]
provider = fernet
[fernet_tokens]
key_repository = ${join(folder, 'fernet-keys')}
[credential]
key_repository = ${join(folder, 'credential-keys')}
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_algorithm = bcrypt
password_hash_rounds = 4
`;
}

/**
 * Python: the public API on a port of 127.0.0.1. Connections have threads of their own, so that an idle
 * one holds up nobody, and one other thread answers all of them: SQLite's connections can be closed only
 * by the thread that opened them, and one that Python's collector finds in another thread stays open in
 * its transaction, so that the database is locked for good.
 */
export const keystoneScript = `
import io, socketserver, sys
from concurrent.futures import ThreadPoolExecutor
from wsgiref import simple_server
from keystone.server.wsgi import initialize_public_application

class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128

class Handler(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass

port = int(sys.argv.pop())
keystone_thread = ThreadPoolExecutor(1)
keystone = keystone_thread.submit(initialize_public_application).result()

def application(environ, start_response):
    body = environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    environ['wsgi.input'] = io.BytesIO(body)
    answer = lambda: [b''.join(keystone(environ, start_response))]
    return keystone_thread.submit(answer).result()

simple_server.make_server('127.0.0.1', port, application, Server, Handler).serve_forever()
`;
