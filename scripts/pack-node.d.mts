/** Fills dist/node-package with what the provider's package holds, and returns its package.json. */
export function pack(): Promise<{
  readonly name: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly scripts?: unknown
}>
