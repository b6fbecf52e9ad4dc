import { parse } from '@babel/parser';

/** One small change of a source that its tests should notice. */
export interface Mutant {
  /** File name, as the report shows it. */
  readonly file: string;
  /** Line of the change, from 1. */
  readonly line: number;
  readonly operator: string;
  /** Whether Stryker makes mutants of this kind, too: its list of mutators is the common measure. */
  readonly isStandard: boolean;
  /** Positions in the source. */
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

const SWAPS: { readonly [operator: string]: readonly string[] } = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '++': ['--'],
  '--': ['++'],
  '|': ['&'],
  '&': ['|'],
};

/** Methods that are left out of a chain, or take one another's place. */
const METHODS: { readonly [name: string]: string | undefined } = {
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  min: 'max',
  max: 'min',
  some: 'every',
  every: 'some',
};
/** Operators of which Stryker's list has none: removed statements and `await`s, other values returned, bits. */
const ADDITIONAL = new Set(['statement', 'await', 'returned value', 'bits', 'method beyond the list']);
const DROPPED = new Set(['sort', 'filter', 'slice', 'reverse', 'trim', 'subarray']);

/** Wording is the adapter's own: no contract says how a message reads, so nothing could notice. */
const WORDING = new Set(['message', 'problem', 'summary']);

/**
 * The mutants of a TypeScript source, by the operators that mutation tools have in common:
 * conditions, comparisons, arithmetic, logic, literals, optional chains, awaiting, removed statements
 * and bodies, returned values; those beyond Stryker's list are marked. Types, imports and the wording of messages stay as they are.
 */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const tree = parse(source, { sourceType: 'module', plugins: ['typescript'] });
  const mutants: Mutant[] = [];
  const add = (node: Node, operator: string, replacement: string, start = node.start, end = node.end) => {
    const original = source.slice(start, end);
    if (original === replacement) return;
    mutants.push({
      file,
      line: source.slice(0, start).split('\n').length,
      operator,
      isStandard: !ADDITIONAL.has(operator),
      start,
      end,
      original,
      replacement,
    });
  };
  const text = (node: Node) => source.slice(node.start, node.end);

  const wording = wordingVariables(tree.program as unknown as Node);
  const visit = (node: Node, parents: readonly Node[]): void => {
    if (/^(TS|Import|Export(All|Named)Declaration)/.test(node.type) && !keepsCode(node)) return;
    if (isWording(node, parents, wording)) return;
    mutate(node, parents);
    for (const child of childrenOf(node)) visit(child, [node, ...parents]);
  };

  const mutate = (node: Node, parents: readonly Node[]): void => {
    const [parent] = parents;
    const operator = String(node.operator);
    switch (node.type) {
      case 'IfStatement':
      case 'ConditionalExpression':
        for (const value of ['true', 'false']) add(node.test as Node, 'condition', value);
        break;
      case 'WhileStatement':
      case 'ForStatement':
        if (node.test) add(node.test as Node, 'condition', 'false');
        break;
      case 'BinaryExpression':
      case 'LogicalExpression':
      case 'AssignmentExpression': {
        const [left, right] = [node.left as Node, node.right as Node];
        for (const other of SWAPS[operator] ?? []) {
          const bits = operator === '|' || operator === '&' ? 'bits' : 'operator';
          add(node, node.type === 'LogicalExpression' ? 'logic' : bits, `${text(left)} ${other} ${text(right)}`);
        }
        break;
      }
      case 'UpdateExpression':
        for (const other of SWAPS[operator] ?? []) add(node, 'operator', text(node).replace(operator, other));
        break;
      case 'UnaryExpression':
        if (operator === '!' || operator === '-') add(node, 'operator', text(node.argument as Node));
        break;
      case 'BooleanLiteral':
        add(node, 'boolean', String(!node.value));
        break;
      case 'StringLiteral':
        if (isName(node, parent)) break;
        add(node, 'string', node.value === '' ? "'mutant'" : "''");
        break;
      case 'AwaitExpression':
        add(node, 'await', text(node.argument as Node));
        break;
      case 'TemplateLiteral':
        add(node, 'string', '``');
        break;
      case 'ArrayExpression':
        if ((node.elements as unknown[]).length > 0) add(node, 'literal', '[]');
        break;
      case 'ObjectExpression':
        if ((node.properties as unknown[]).length > 0) add(node, 'literal', '{}');
        break;
      case 'OptionalMemberExpression':
        if (node.optional) add(node, 'optional chain', text(node).replace('?.', node.computed ? '' : '.'));
        break;
      case 'CallExpression':
      case 'OptionalCallExpression':
        mutateCall(node);
        break;
      case 'ReturnStatement':
        if (node.argument && text(node.argument as Node) !== 'undefined') {
          add(node, 'returned value', 'return undefined;');
        }
        break;
      case 'ArrowFunctionExpression':
        if ((node.body as Node).type !== 'BlockStatement') add(node.body as Node, 'arrow function', 'undefined');
        break;
      case 'BlockStatement':
        if ((node.body as unknown[]).length > 0) add(node, 'block', '{}');
        break;
      case 'ExpressionStatement':
      case 'ThrowStatement':
      case 'BreakStatement':
      case 'ContinueStatement':
        // The only statement of a block is the block.
        if (parent?.type === 'BlockStatement' && (parent.body as unknown[]).length === 1) break;
        add(node, 'statement', ';');
        break;
    }
  };

  const mutateCall = (node: Node): void => {
    const callee = node.callee as Node;
    if (!/MemberExpression$/.test(callee.type) || callee.computed) return;
    const property = callee.property as Node;
    const name = text(property);
    const other = METHODS[name];
    if (other !== undefined && Object.hasOwn(METHODS, name)) add(property, 'method', other);
    if (DROPPED.has(name))
      add(node, name === 'subarray' ? 'method beyond the list' : 'method', text(callee.object as Node));
  };

  visit(tree.program as unknown as Node, []);
  return unique(mutants);
}

/** Type-level nodes that have code in them. */
function keepsCode({ type }: Node): boolean {
  return /^(TSAsExpression|TSSatisfiesExpression|TSNonNullExpression|ExportNamedDeclaration)$/.test(type);
}

/** Variables of which messages are made: `cap` of `summary: `memory, ${cap}``. */
function wordingVariables(program: Node): ReadonlySet<string> {
  const names = new Set(WORDING);
  const visit = (node: Node, isWithin: boolean): void => {
    if (isWithin && node.type === 'TemplateLiteral') {
      for (const each of node.expressions as Node[]) if (each.type === 'Identifier') names.add(String(each.name));
    }
    const isKey = (field: Node | undefined) => field?.type === 'Identifier' && WORDING.has(String(field.name));
    const within =
      isWithin || isKey(node.key as Node | undefined) || (node.type === 'VariableDeclarator' && isKey(node.id as Node));
    for (const child of childrenOf(node)) visit(child, within);
  };
  visit(program, false);
  return names;
}

function isWording(node: Node, [parent, above]: readonly Node[], wording: ReadonlySet<string>): boolean {
  if (parent?.type === 'ObjectProperty' && parent.value === node) {
    return WORDING.has(String((parent.key as Node).name));
  }
  if (parent?.type === 'VariableDeclarator' && parent.init === node && isText(node)) {
    return wording.has(String((parent.id as Node).name));
  }
  // `corrupt('why')`, `new Error('why')`.
  const callee = (parent?.callee as Node | undefined)?.name;
  if (callee === 'corrupt' && parent?.callee !== node) return true;
  return above?.type === 'ThrowStatement' && callee === 'Error';
}

function isText({ type, consequent }: Node): boolean {
  return (
    /^(StringLiteral|TemplateLiteral)$/.test(type) || (type === 'ConditionalExpression' && isText(consequent as Node))
  );
}

/** A string that names something rather than being a value. */
function isName(node: Node, parent: Node | undefined): boolean {
  if (parent === undefined) return false;
  if (/^(Object|Class)Property$/.test(parent.type)) return parent.key === node;
  return /Directive|Import|Export/.test(parent.type);
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (const [field, value] of Object.entries(node)) {
    if (
      /^(loc|extra|leadingComments|trailingComments|innerComments|typeAnnotation|returnType|typeParameters|typeArguments|implements)$/.test(
        field,
      )
    ) {
      continue;
    }
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === 'object' && each !== null && typeof each.type === 'string') children.push(each);
    }
  }
  return children;
}

function unique(mutants: readonly Mutant[]): readonly Mutant[] {
  const seen = new Map(mutants.map((mutant) => [`${mutant.start}-${mutant.end}-${mutant.replacement}`, mutant]));
  return [...seen.values()].sort((a, b) => a.start - b.start || a.end - b.end);
}
