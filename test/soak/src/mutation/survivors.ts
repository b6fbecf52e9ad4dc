import type { Mutant } from './mutate.ts';

/** Why a mutant may live. */
export interface Explanation {
  /**
   * `equivalent`: it does what the original does, for whoever keeps the contract. `not promised`: the
   * contract leaves it open. `out of reach`: only tests that know the adapter from within can see it.
   * `hole`: the suite should notice, and does not yet.
   */
  readonly kind: 'equivalent' | 'not promised' | 'out of reach' | 'hole';
  readonly reason: string;
}

/** A reason, and the mutants that it is one for. */
export interface Rule extends Explanation {
  readonly file: string;
  /** Matches the text of the line. */
  readonly line: RegExp;
  /** Matches `original → replacement`. */
  readonly change?: RegExp;
}

const memory: readonly Rule[] = [
  {
    file: 'storage.ts',
    line: /body\.bytes === undefined \?/,
    change: /→ true$/,
    kind: 'equivalent',
    reason: 'the stream of a body that lies in memory yields the same bytes',
  },
  {
    file: 'storage.ts',
    line: /'ifAbsent' in condition \? stored === undefined/,
    kind: 'equivalent',
    reason: 'an absent entry has the version `undefined`, and so has the condition',
  },
  {
    file: 'storage.ts',
    line: /this\.#writes \+= 1/,
    kind: 'equivalent',
    reason: 'versions only have to differ',
  },
  {
    file: 'storage.ts',
    line: /expiresAt > this\.#now\(\)/,
    change: />=/,
    kind: 'equivalent',
    reason: 'one millisecond of the clock',
  },
  {
    file: 'storage.ts',
    line: /^this\.#remove\(key\);$/,
    kind: 'not promised',
    reason: 'an entry that has expired or was replaced may count against the limit for a while',
  },
  {
    file: 'storage.ts',
    line: /isFull: \(\) =>/,
    change: /→ this\.#bytes (\+ weight >= this\.#maxBytes|- weight)$/,
    kind: 'not promised',
    reason: 'a storage may be above its limit by what was put last, until the next put',
  },
  {
    file: 'storage.ts',
    line: /stored\.used = true|used: false/,
    kind: 'not promised',
    reason: 'which entry makes room is the adapter’s own choice; the plugin’s own tests know the clock algorithm',
  },
  {
    file: 'storage.ts',
    line: /expire: \(key\) =>/,
    kind: 'not promised',
    reason: 'an entry that has expired or was replaced may count against the limit for a while',
  },
  {
    file: 'storage.ts',
    line: /key\.length \+ metadata\.encoded\.length|this\.#bytes -= /,
    kind: 'not promised',
    reason: 'what counts against the limit besides bodies is the adapter’s own',
  },
  {
    file: 'storage.ts',
    line: /async close\(\)|this\.#entries\.clear\(\)|this\.#bytes = 0;/,
    kind: 'not promised',
    reason: 'what a closed adapter still holds in memory goes with it',
  },
  {
    file: 'storage.ts',
    line: /this\.#entries\.delete\(key\);/,
    kind: 'not promised',
    reason: 'which entry makes room is the adapter’s own choice; the plugin’s own tests know the clock algorithm',
  },
  {
    file: 'storage.ts',
    line: /get bytes\(\)|return this\.#bytes;/,
    kind: 'not promised',
    reason: 'a figure for tools; no part of the contract',
  },
  {
    file: 'storage.ts',
    line: /this\.#maxBytes - weigh\(|size > room/,
    kind: 'equivalent',
    reason: 'what cannot fit is refused when it was read, if not before',
  },
  {
    file: 'storage.ts',
    line: /versionCoversMetadata: true/,
    kind: 'not promised',
    reason: 'to declare less than is held is allowed where nobody can do harm with it',
  },
];

const fs: readonly Rule[] = [
  {
    file: 'direct-reads.ts',
    line: /async open\(|^read\(path|^try \{$|catch \(error\)|'ENOENT'|fsRead|function read|readSync\(/,
    kind: 'equivalent',
    reason: 'what is not read here is read by the pool, which tells the same failures',
  },
  {
    file: 'direct-reads.ts',
    line: /^return bytes === size/,
    change: /→ (false|return undefined;)$/,
    kind: 'equivalent',
    reason: 'what is not read here is read by the pool, with the same result',
  },
  {
    file: 'entry-reader.ts',
    line: /^if \(file === undefined \|\| file\.size > SMALL\)|^return bytes === undefined/,
    change: /→ true$/,
    kind: 'equivalent',
    reason: 'a small file is read in this thread or by the pool, with the same result',
  },
  {
    file: 'entry-reader.ts',
    line: /this\.#root = root;/,
    kind: 'not promised',
    reason: 'the wording of messages',
  },
  {
    file: 'direct-reads.ts',
    line: /isLocal|LOCAL|restUntil|#now|#blocks|#readFromDisk|took|platform|return more|blocks|return undefined/,
    kind: 'equivalent',
    reason: 'a small file is read in this thread or by the pool, with the same result',
  },
  {
    file: 'storage.ts',
    line: /#direct|options\.reads/,
    kind: 'equivalent',
    reason: 'a small file is read in this thread or by the pool, with the same result',
  },
  {
    file: 'checksum.ts',
    line: /byInstructions|@node-rs\/crc32|isCrc32|catch|return undefined|^try \{$|const bytes|candidate|return \($/,
    kind: 'equivalent',
    reason: 'both checksums give the same, and the one takes the place of the other',
  },
  {
    file: 'known-files.ts',
    line: /known\?\.size|MAX_FILES|MAX_HEADERS|oldest|#next|#withHeader|seen|isSame|bytes\.length === header\.bodyStart|hasChecksumsOf/,
    // To take any file for the one that was seen is another thing, and one whose checksums differ.
    change: /^(?!.*(→ true$|→ .*\|\|))/,
    kind: 'equivalent',
    reason: 'what is not remembered of a file is read and parsed again, with the same result',
  },
  {
    file: 'make-folder.ts',
    line: /^if \(await made\(path\)\) return;$|return true;/,
    change: /→ false$/,
    kind: 'equivalent',
    reason: 'what was made is looked at again, and is there',
  },
  {
    file: 'make-folder.ts',
    line: /return false;/,
    change: /→ return undefined;/,
    kind: 'equivalent',
    reason: 'asked only whether it is true',
  },
  {
    file: 'make-folder.ts',
    line: /parent !== path|throw new StorageError|code: 'misconfigured'|await isFolder\(path\)|throw error;|catch \{|return false;/,
    kind: 'out of reach',
    reason: 'needs a place that takes no folders (`/proc`), can’t be looked at, or is the file system’s root',
  },
  {
    file: 'storage.ts',
    line: /counted && this\.#maxBytes > 0/,
    kind: 'not promised',
    reason: 'which figures of its use a storage tells is its own choice',
  },
  {
    file: 'entry-writer.ts',
    line: /'ifAbsent' in condition/,
    change: /'' \+|'ifAbsent' → ''|→ false/,
    kind: 'equivalent',
    reason: 'then the lock and the comparison with no version do the same, more slowly',
  },
  {
    file: 'entry-writer.ts',
    line: /isThere|lstat\(path\)|return true;|'ENOENT', 'ENOTDIR'|return false;/,
    kind: 'out of reach',
    reason: 'only a storage whose folder was swept after 30 s of silence comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /attempt === 10|attempt <= 10|'ENOENT', 'ENOTDIR', 'EEXIST'/,
    kind: 'out of reach',
    reason: 'only a folder that vanishes ten times while it is made, or that another one makes, comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /#power|syncFolder|handle\.sync\(\)|datasync|each\.length >= first\.length|constants\.O_RDONLY|async function syncFolder/,
    kind: 'out of reach',
    reason: 'only a loss of power shows it',
  },
  {
    file: 'entry-writer.ts',
    line: /#temp\.note|estimateSpace|const made = |first === undefined/,
    kind: 'out of reach',
    reason: 'an estimate of space, for the cap',
  },
  {
    file: 'entry-writer.ts',
    line: /signal\.throwIfAborted\(\)/,
    kind: 'equivalent',
    reason: 'an abort that comes as late as this may also be too late',
  },
  {
    file: 'entry-writer.ts',
    line: /'EEXIST'\) \? preconditionFailed/,
    change: /→ true/,
    kind: 'out of reach',
    reason: 'needs a disk that refuses links',
  },
  {
    file: 'entry-writer.ts',
    line: /done < bytes\.length|done \+= |bytes\.length - done|position \+ done/,
    kind: 'out of reach',
    reason: 'needs a write that takes only a part of the bytes: a disk that is almost full',
  },
  {
    file: 'entry-writer.ts',
    line: /force: true|rm\(written\.path|rm\(path/,
    change: /force|true → false|\{\}/,
    kind: 'equivalent',
    reason: 'the file is there',
  },
  {
    file: 'entry-reader.ts',
    line: /MAX_SMALL_KEYS|#small|rememberSmall|size <= SMALL|bytes <= SMALL/,
    kind: 'equivalent',
    reason: 'large and small files are read with the same result, one way costs more system calls',
  },
  {
    file: 'entry-reader.ts',
    line: /for \(const handle of this\.#bodies\)/,
    change: /^await/,
    kind: 'hole',
    reason: 'that `close` waits for its files is promised; afterwards it removes its own folder, which takes as long',
  },
  {
    file: 'entry-file.ts',
    line: /Math\.min\(size|FIRST_READ|length > bytes\.length/,
    kind: 'equivalent',
    reason: 'how much is read ahead',
  },
  {
    file: 'entry-file.ts',
    line: /while \(filled < length\)|filled \+= |length - filled|position \+ filled|bytesRead === 0/,
    kind: 'out of reach',
    reason: 'needs a read that gives only a part of the bytes',
  },
  {
    file: 'folder-names.ts',
    line: /bufferSize/,
    kind: 'equivalent',
    reason: 'how many names come at a time',
  },
  {
    file: 'key-locks.ts',
    line: /'EEXIST'\)\) throw error;|throw fenced\(\)/,
    kind: 'out of reach',
    reason: 'needs a disk that refuses links, or 30 s of silence while a lock is taken',
  },
  {
    file: 'key-locks.ts',
    line: /this\.#queues|await mine|await before|before\?\.catch/,
    kind: 'equivalent',
    reason: 'the queue spares tries; the lock file decides',
  },
  {
    file: 'key-locks.ts',
    line: /isSilent|#temp\.sweep\(\)/,
    kind: 'equivalent',
    reason: 'sweeping looks for silence itself',
  },
  {
    file: 'key-locks.ts',
    line: /retryReleases?|retryRelease|#held|unlink\(released\)/,
    kind: 'out of reach',
    reason: 'needs a disk that fails in the moment in which a lock is released',
  },
  {
    file: 'key-locks.ts',
    line: /await release\(\)|const mine = /,
    kind: 'equivalent',
    reason: 'the next writer waits for the lock file in any case',
  },
  {
    file: 'key-locks.ts',
    line: /pause|MAX_PAUSE_MS|sleep/,
    kind: 'equivalent',
    reason: 'how long it waits between two tries',
  },
  {
    file: 'key-locks.ts',
    line: /signal\.throwIfAborted\(\)/,
    kind: 'equivalent',
    reason: 'an abort that comes here may also be too late',
  },
  {
    file: 'storage.ts',
    line: /ENOSPC|EDQUOT|eviction\.sweep/,
    kind: 'out of reach',
    reason: 'needs a full disk',
  },
  {
    file: 'storage.ts',
    line: /upkeep\.(stop|flush|used|evictIfDue|start|overfull|room)|eviction\.sweepAfresh|async sweep\(\)|sweepAfresh|capProblem|retryReleases/,
    kind: 'out of reach',
    reason: 'upkeep: beats every 10 s, uses, sweeps',
  },
  {
    file: 'storage.ts',
    line: /#power|durability/,
    kind: 'out of reach',
    reason: 'only a loss of power shows it',
  },
  {
    file: 'storage.ts',
    line: /this\.#opening \?\?= /,
    change: /^\{/,
    kind: 'hole',
    reason: 'that `open` rejects, and not only what comes after it, is asked of nobody: many a backend tells later',
  },
  {
    file: 'storage.ts',
    line: /versionCoversMetadata: true/,
    kind: 'not promised',
    reason: 'to declare less than is held is allowed where nobody can do harm with it',
  },
  {
    file: 'storage.ts',
    line: /context\.signal\.throwIfAborted\(\)/,
    kind: 'equivalent',
    reason: 'the next step asks the signal again; a listing is left by core, which asks before each row',
  },
  {
    file: 'key-path.ts',
    line: /key\.length < PIECE/,
    change: /→ false|<=/,
    kind: 'equivalent',
    reason: 'the usual key takes the long way, with the same result',
  },
  {
    file: 'listing.ts',
    line: /startsWith\(prefix\)|after\.startsWith\(full\)|full > after|prefix\.startsWith/,
    kind: 'equivalent',
    reason: 'more folders are opened than needed; what is in them is looked at again',
  },
  {
    file: 'entry-reader.ts',
    line: /const SMALL = /,
    kind: 'equivalent',
    reason: 'where the border between the two ways of reading lies',
  },
  {
    file: 'entry-reader.ts',
    line: /wrote\(key/,
    kind: 'equivalent',
    reason: 'what is remembered as small is only read another way',
  },
  {
    file: 'entry-reader.ts',
    line: /await handle\.stat\(\)/,
    kind: 'equivalent',
    reason: 'without its size a file is read in the way of large ones, with the same result',
  },
  {
    file: 'entry-reader.ts',
    line: /constructor\(root/,
    kind: 'not promised',
    reason: 'the wording of messages',
  },
  {
    file: 'entry-writer.ts',
    line: /await writeAll\(handle, draft\.finish/,
    change: /^await/,
    kind: 'equivalent',
    reason: '`close` of a file handle waits for writes that are under way',
  },
  {
    file: 'entry-writer.ts',
    line: /^try \{$/,
    change: /lstat\(path\)/,
    kind: 'out of reach',
    reason: 'only a storage whose folder was swept after 30 s of silence comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /^try \{$/,
    change: /handle\.sync\(\)/,
    kind: 'out of reach',
    reason: 'only a loss of power shows it',
  },
  {
    file: 'folder-names.ts',
    line: /one\.text < other\.text/,
    kind: 'equivalent',
    reason: 'names differ, and the sort of V8 asks only whether one comes before the other',
  },
  {
    file: 'key-locks.ts',
    line: /catch \(error\)/,
    change: /#held/,
    kind: 'out of reach',
    reason: 'needs a disk that fails in the moment in which a lock is released',
  },
  {
    file: 'key-locks.ts',
    line: /finally/,
    kind: 'not promised',
    reason: 'how long a queue is remembered',
  },
  {
    file: 'key-path.ts',
    line: /kind: 'folder'/,
    change: /'folder' → ''/,
    kind: 'equivalent',
    reason: 'what is no entry is a folder',
  },
  {
    file: 'storage.ts',
    line: /evicts: options\.maxBytes/,
    kind: 'not promised',
    reason: 'to declare `evicts` and never to evict is allowed',
  },
  {
    file: 'storage.ts',
    line: /this\.#parts = this\.#partsAt\(root\)/,
    kind: 'out of reach',
    reason: 'needs a root that is reached through a link',
  },
  {
    file: 'storage.ts',
    line: /await this\.#attempt\(async|^try \{$/,
    // Of `close` only the uses that it notes; that it releases what it holds is told by other tests.
    change: /^\{\s*await upkeep\.flush\(\);\s*\} →|sweepAfresh/,
    kind: 'out of reach',
    reason: 'upkeep: uses that were noted, and sweeping on demand',
  },
  {
    file: 'storage.ts',
    line: /released\.includes\(false\)/,
    change: /→ true$/,
    kind: 'out of reach',
    reason: 'needs a disk that fails in the moment in which a lock is released',
  },
  {
    file: 'storage.ts',
    line: /const outrun = /,
    kind: 'out of reach',
    reason: 'needs a disk that fails while metadata is set',
  },
  {
    file: 'storage.ts',
    line: /reader\.wrote\(/,
    kind: 'equivalent',
    reason: 'what is remembered as small is only read another way',
  },
  {
    file: 'storage.ts',
    line: /statfs\(|bavail \* bsize/,
    kind: 'not promised',
    reason: 'a figure in the summary of `check`',
  },
  {
    file: 'storage.ts',
    line: /size: 0, version: undefined, modifiedAt: 0|catch \(error\)/,
    change: /size: 0/,
    kind: 'not promised',
    reason: 'whether a damaged entry is listed',
  },
  {
    file: 'entry-reader.ts',
    line: /await (handle\.close|unlink|rm|reader\.close|this\.#release)\(/,
    change: /^await/,
    kind: 'not promised',
    reason: 'what is closed or removed may be so a moment later',
  },
  {
    file: 'entry-writer.ts',
    line: /await (handle\.close|unlink|rm|reader\.close|this\.#release)\(/,
    change: /^await/,
    kind: 'not promised',
    reason: 'what is closed or removed may be so a moment later',
  },
  {
    file: 'open-entry.ts',
    line: /await (handle\.close|unlink|rm|reader\.close|this\.#release)\(/,
    change: /^await/,
    kind: 'not promised',
    reason: 'what is closed or removed may be so a moment later',
  },
  {
    file: 'storage.ts',
    line: /await handle\.close\(/,
    change: /^await/,
    kind: 'not promised',
    reason: 'what is closed or removed may be so a moment later',
  },
  {
    file: 'storage.ts',
    line: /await reader\.close\(/,
    change: /^await/,
    kind: 'hole',
    reason: 'that `close` waits for its files is promised; afterwards it removes its own folder, which takes as long',
  },
  {
    file: 'known-files.ts',
    line: /this\.#files\.get\(key\)|^get\(key|#remember\(file|seen === undefined/,
    kind: 'equivalent',
    reason: 'what is not remembered of a file is read and parsed again, and what is remembered too long costs memory',
  },
  {
    file: 'entry-file.ts',
    line: /hasChecksumsOf|bytes\.readUInt32LE\(8\) === crc/,
    change: /^(?!.*→ true$)/,
    kind: 'equivalent',
    reason:
      'a file that is not taken for the one of before is parsed again; the checksum of the whole file decides as well',
  },
  {
    file: 'entry-file.ts',
    line: /bytes\.length < FIXED/,
    change: /→ bytes\.length <= FIXED/,
    kind: 'equivalent',
    reason: 'a header without a description does not exist',
  },
  {
    file: 'entry-file.ts',
    line: /length > MAX_HEADER/,
    kind: 'equivalent',
    reason: 'a length that is damaged is refused by the checksum as well; this spares reading that much',
  },
  {
    file: 'entry-file.ts',
    line: /const MAGIC = /,
    kind: 'equivalent',
    reason: 'the mark of the format is written and compared by the same adapter',
  },
  {
    file: 'entry-reader.ts',
    line: /this\.#used\(file\)/,
    kind: 'out of reach',
    reason: 'uses are written down by the minute, for the order of eviction',
  },
  {
    file: 'entry-reader.ts',
    line: /forget\(key|#known\.forget/,
    kind: 'equivalent',
    reason: 'what is remembered of a file that is gone costs memory until others take its place',
  },
  {
    file: 'storage.ts',
    line: /reader\.forget\(key\)/,
    kind: 'equivalent',
    reason: 'what is remembered of a file that is gone costs memory until others take its place',
  },
  {
    file: 'storage.ts',
    line: /^return this\.#unread\(key, error\);$/,
    kind: 'equivalent',
    reason: 'reading in this thread fails only where there is no file; of all else the pool tells',
  },
  {
    file: 'storage.ts',
    line: /ok: false, summary: free, problem/,
    kind: 'out of reach',
    reason: 'needs a cap that cannot be kept',
  },
  {
    file: 'storage.ts',
    line: /Is there room to write\?/,
    kind: 'equivalent',
    reason: 'what is written does not matter',
  },
  {
    file: 'storage.ts',
    line: /await this\.#parts\.eviction\.open\(\)/,
    kind: 'not promised',
    reason: 'what an earlier run has counted is known a moment later',
  },
  {
    file: 'storage.ts',
    line: /!released\.includes\(false\)/,
    kind: 'out of reach',
    reason: 'needs a disk that fails in the moment in which a lock is released',
  },
  {
    file: 'direct-reads.ts',
    line: /size \+ 1|throw error;/,
    kind: 'equivalent',
    reason: 'what is not read here is read by the pool, which tells the same failures',
  },
  {
    file: 'entry-writer.ts',
    line: /attempt > 1 \|\| !isSystemError\(error, 'ENOENT'\)/,
    kind: 'out of reach',
    reason:
      'only a storage whose folder was swept after 30 s of silence, or that finds another error there, comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /if \(attempt > 1\) await|^await this\.#removeEmptyParents\(path\);$/,
    kind: 'not promised',
    reason: 'empty folders are nobody’s entries',
  },
  {
    file: 'entry-writer.ts',
    line: /catch \(error\)/,
    change: /Node's mkdir says each/,
    kind: 'out of reach',
    reason: 'only a folder that vanishes ten times while it is made, or that another one makes, comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /^throw error;$/,
    kind: 'out of reach',
    reason: 'needs a disk that fails where it says whether a file is there',
  },
  {
    file: 'entry-writer.ts',
    line: /throw new StorageError\(\{|code: 'misconfigured'/,
    kind: 'not promised',
    reason: 'that a write through a planted link is refused is; in which words is not',
  },
  {
    file: 'folder-names.ts',
    line: /child\.text <= last/,
    change: /→ child\.text < last$/,
    kind: 'equivalent',
    reason: 'the name before is passed over once more where names are handed out',
  },
  {
    file: 'folder-names.ts',
    line: /next\.length < 2 \* page|next = next\.sort/,
    change: /→ true$|^next = .* → ;$|slice\(0, page\) → next\.sort\(byText\)$/,
    kind: 'not promised',
    reason: 'how many names of a folder a listing keeps in memory; they come all, and in order',
  },
  {
    file: 'folder-names.ts',
    line: /next\.length < 2 \* page/,
    change: /→ (false|next\.length (<=|>=) 2 \* page|2 \/ page|;)$/,
    kind: 'equivalent',
    reason: 'a folder is read once more or once less for the same names',
  },
  {
    file: 'folder-names.ts',
    line: /child\.text === last/,
    change: /→ (false|;)$/,
    kind: 'out of reach',
    reason: 'needs a name that is replaced in the moment in which its folder is read',
  },
  {
    file: 'folder-names.ts',
    line: /isSystemError\(error, 'ENOENT'\)/,
    kind: 'out of reach',
    reason: 'needs a folder that vanishes while it is listed',
  },
  {
    file: 'key-locks.ts',
    line: /code: 'conflict'/,
    kind: 'out of reach',
    reason: 'only a storage that was silent for 30 s comes here',
  },
  {
    file: 'key-path.ts',
    line: /test\(name\)/,
    change: /→ true$/,
    kind: 'out of reach',
    reason: 'needs a stranger’s folder with a name that no key has',
  },
  {
    file: 'known-files.ts',
    line: /this\.#files\.(set|delete|size)|^forget\(key/,
    kind: 'equivalent',
    reason: 'what is not remembered of a file is read and parsed again, and what is remembered too long costs memory',
  },
  {
    file: 'storage.ts',
    line: /await unlink\(probe\)/,
    change: /^await/,
    kind: 'not promised',
    reason: 'what is closed or removed may be so a moment later',
  },
  {
    file: 'storage.ts',
    line: /!StorageError\.is\(error\)\) throw error;/,
    kind: 'out of reach',
    reason: 'needs a disk that fails while it lists',
  },
  {
    file: 'storage.ts',
    line: /^throw error;$/,
    kind: 'hole',
    reason: 'that `open` rejects, and not only what comes after it, is asked of nobody: many a backend tells later',
  },
  {
    file: 'storage.ts',
    line: /catch \(error\)/,
    change: /^\{ *\s*return this\.#unread/,
    kind: 'equivalent',
    reason: 'reading in this thread fails only where there is no file; of all else the pool tells',
  },
  {
    file: 'entry-reader.ts',
    line: /this\.#bodies\.delete\(handle\)/,
    kind: 'hole',
    reason: 'what is kept of each body that was read adds up: the suite counts no memory over many small reads',
  },
  {
    file: 'folder-names.ts',
    line: /child\.text === last/,
    kind: 'out of reach',
    reason: 'needs a name that is replaced in the moment in which the folder is read',
  },
  {
    file: 'key-locks.ts',
    line: /return new StorageError\(\{/,
    kind: 'out of reach',
    reason: 'only a storage that was silent for 30 s comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /for \(let attempt = 1; ; attempt \+= 1\)/,
    kind: 'out of reach',
    reason: 'only a storage whose folder was swept after 30 s of silence comes here',
  },
  {
    file: 'entry-writer.ts',
    line: /handle\.writev\(|bytesWritten < header\.length|bytesWritten - header\.length|rest < body\.length/,
    kind: 'out of reach',
    reason:
      'needs a write that takes only a part of the bytes: a disk that is almost full; else the same is written twice, or in two steps',
  },
  {
    file: 'entry-reader.ts',
    line: /expendable|this\.#outcomeOf\(bytes, file, key, range, true\)|await readAt\(handle, 0, size\), file, key/,
    change: /\{\}$|true → false$/,
    kind: 'equivalent',
    reason: 'what is not given away is freed by the collector',
  },
  {
    file: 'entry-reader.ts',
    line: /this\.#known\.note\(key, path, bytes\.length\), key, range, false/,
    change: /→ true$/,
    kind: 'equivalent',
    reason: 'Node gives each file that it reads whole memory of its own, which is not promised',
  },
];

/** All reasons there are, by the adapter whose survivors they explain. */
export const reasons: Readonly<Record<'memory' | 'fs', readonly Rule[]>> = { memory, fs };

/** Whether a reason is one for this mutant. */
export function fits(rule: Rule, mutant: Mutant, lineText: string): boolean {
  const change = `${mutant.original} → ${mutant.replacement}`;
  return rule.file === mutant.file && rule.line.test(lineText) && (rule.change?.test(change) ?? true);
}

/** What is known about a mutant that survived; `undefined` if it may be a hole in the suite. */
export function explain(adapter: 'memory' | 'fs', mutant: Mutant, lineText: string): Explanation | undefined {
  return reasons[adapter].find((rule) => fits(rule, mutant, lineText));
}
