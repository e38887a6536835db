/**
 * Prints the client's public surface as JSON, read from the source by the compiler itself: methods
 * with their arguments, options and what those are when they are not given, and errors with their
 * parents and fields. `tests/contract/test_parity.py` compares it with the Python client's.
 *
 * An option's default is what the code falls back to where it reads the option, so a default can't
 * be told here and be another one there. One that is no constant counts as none.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();
const sources = program.getSourceFiles().filter(({ fileName }) => isOurs(fileName));
const index = program.getSourceFile(join(ROOT, "src/index.ts"));
const values = checker
  .getExportsOfModule(checker.getSymbolAtLocation(index))
  .map((symbol) => [symbol.name, resolved(symbol)])
  .filter(([, symbol]) => symbol.flags & ts.SymbolFlags.Value);

function isOurs(fileName) {
  return fileName.startsWith(join(ROOT, "src/")) && !fileName.includes("/react");
}

function resolved(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** What the code falls back to, of each option by its declaration. */
function fallbacks() {
  const found = new Map();
  const visit = (node) => {
    const [owner, name, fallback] = readOf(node) ?? [];
    const property = owner && checker.getNonNullableType(owner).getProperty(name);
    const value = property && constant(fallback);
    if (value !== undefined) {
      const [key] = property.declarations ?? [];
      found.set(key, (found.get(key) ?? new Set()).add(value));
    }
    ts.forEachChild(node, visit);
  };
  sources.forEach(visit);
  return found;
}

/** `{ name = fallback } = owner`, `owner.name ?? fallback` or `owner.name || … || fallback`. */
function readOf(node) {
  if (ts.isBindingElement(node) && node.initializer) {
    const { parent: pattern } = node;
    const source = pattern.parent.type ?? pattern.parent.initializer ?? pattern.parent;
    return [
      checker.getTypeAtLocation(source),
      (node.propertyName ?? node.name).text,
      node.initializer,
    ];
  }
  if (!ts.isBinaryExpression(node) || !/^(\?\?|\|\|)$/.test(node.operatorToken.getText())) return;
  let first = node.left;
  while (ts.isBinaryExpression(first)) first = first.left;
  if (!ts.isPropertyAccessExpression(first)) return;
  return [checker.getTypeAtLocation(first.expression), first.name.text, node.right];
}

/** The value of an expression that is always the same one. */
function constant(expression) {
  const type = checker.getTypeAtLocation(expression);
  if (type.isLiteral()) return type.value;
  if (type.flags & ts.TypeFlags.BooleanLiteral) return checker.typeToString(type) === "true";
  return undefined;
}

const DEFAULTS = fallbacks();

function describeOption(property) {
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(property));
  const fallen = [...(DEFAULTS.get(property.declarations[0]) ?? [])];
  if (fallen.length > 1) throw new Error(`${property.name} falls back to ${fallen.join(" and ")}`);
  const choices = type.isUnion() ? type.types.map(({ value }) => value) : [];
  return {
    type: checker.typeToString(checker.getBaseTypeOfLiteralType(type)),
    choices: choices.filter((value) => value !== undefined),
    default: fallen[0] ?? null,
  };
}

/** A call's arguments by place, and the options in its last one. */
function describeCall(declaration) {
  const names = declaration.parameters.map(({ name }) => name.text);
  const isLast = names.at(-1) === "options";
  const type = isLast && checker.getTypeAtLocation(declaration.parameters.at(-1));
  const properties = type ? checker.getPropertiesOfType(checker.getNonNullableType(type)) : [];
  return {
    positional: isLast ? names.slice(0, -1) : names,
    options: Object.fromEntries(properties.map((one) => [one.name, describeOption(one)])),
  };
}

function isPublic(member) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  const isInternal = ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal");
  return !isInternal && !(ts.getCombinedModifierFlags(member) & hidden);
}

/** The constructor and the methods of the client, in their order. */
function describeClient(symbol) {
  const methods = symbol.valueDeclaration.members.filter(
    (member) => member.body && isPublic(member),
  );
  return Object.fromEntries(
    methods.map((method) => [method.name?.text ?? "constructor", describeCall(method)]),
  );
}

/** The public names that a class has and the class above it has not. */
function fieldsOf(symbol, parent) {
  const above = parent ? checker.getDeclaredTypeOfSymbol(parent.symbol) : undefined;
  return checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
    .filter(({ name }) => !above?.getProperty(name))
    .filter(({ valueDeclaration }) => isPublic(valueDeclaration))
    .map(({ name }) => name);
}

function describeError(symbol) {
  const [parent] = checker.getBaseTypes(checker.getDeclaredTypeOfSymbol(symbol));
  return { parent: parent.symbol.name, fields: fieldsOf(symbol, parent) };
}

const isClient = ([, { name }]) => name === "Puras";
console.log(
  JSON.stringify({
    aliases: values.filter(isClient).map(([name]) => name),
    client: describeClient(values.find(isClient)[1]),
    errors: Object.fromEntries(
      values.filter((one) => !isClient(one)).map(([name, symbol]) => [name, describeError(symbol)]),
    ),
  }),
);
