const PHOTOGRAPHS = ['astronaut.png', 'chelsea.png', 'coffee.png', 'hubble_deep_field.jpg', 'rocket.jpg'];

const VARIANTS = [
  { label: 'Thumbnail, WebP', options: 'rs:fill:320:240/g:sm', format: 'webp' },
  { label: 'Fit into 320, AVIF', options: 'rs:fit:320:320', format: 'avif' },
  { label: 'Square around the top, JPEG', options: 'rs:fill:240:240/g:no', format: 'jpg' },
  { label: 'Blurred and turned, PNG', options: 'w:240/bl:4/rot:90', format: 'png' },
];

/** Asks for a picture past the browser's own cache, so that every load shows what the proxy does. */
async function load(url) {
  const started = performance.now();
  const response = await fetch(url, { cache: 'no-store' });
  const blob = await response.blob();
  return {
    ok: response.ok,
    status: response.status,
    text: response.ok ? '' : await blob.text(),
    blob,
    cacheStatus: response.headers.get('cache-status') ?? 'none',
    ms: performance.now() - started,
  };
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function row(term, ...value) {
  return [element('dt', { textContent: term }), element('dd', {}, ...value)];
}

async function show(figure, { label, options, format }, photograph) {
  const path = `/unsafe/${options}/plain/local:///${photograph}@${format}`;
  const frame = element('div', { className: 'frame' }, '…');
  const facts = element('dl');
  figure.append(
    frame,
    element('figcaption', {}, element('strong', { textContent: label }), element('code', { textContent: path }), facts),
  );
  const result = await load(path);
  if (!result.ok) {
    frame.replaceChildren(element('span', { className: 'fail', textContent: `${result.status}: ${result.text}` }));
    return 'fail';
  }
  const kind = /;\s*hit\b/.test(result.cacheStatus) ? 'hit' : 'miss';
  const image = element('img', { alt: `${photograph}: ${label}`, src: URL.createObjectURL(result.blob) });
  frame.replaceChildren(image);
  facts.append(
    ...row('Cache-Status', element('span', { className: kind, textContent: result.cacheStatus })),
    ...row('Time', `${result.ms.toFixed(result.ms < 10 ? 1 : 0)} ms`),
    ...row('Size', `${(result.blob.size / 1024).toFixed(1)} KiB`),
  );
  return kind;
}

const main = document.querySelector('#photographs');
const counts = { hit: 0, miss: 0, fail: 0 };
for (const photograph of PHOTOGRAPHS) {
  const variants = element('div', { className: 'variants' });
  main.append(element('section', {}, element('h2', { textContent: photograph }), variants));
  // One picture after the other: times of twenty requests at once would tell of nothing but the queue.
  for (const variant of VARIANTS) {
    const figure = element('figure');
    variants.append(figure);
    counts[await show(figure, variant, photograph).catch(() => 'fail')]++;
  }
}
const failures = counts.fail === 0 ? '' : `, ${counts.fail} failed`;
const hint =
  counts.miss > 0
    ? ' Reload, and the misses become hits.'
    : ' Stop it, delete .tintype/cache and start again to see misses.';
document.querySelector('#summary').textContent = `${counts.hit} hits, ${counts.miss} misses${failures}.${hint}`;
document.body.dataset.done = 'true';
