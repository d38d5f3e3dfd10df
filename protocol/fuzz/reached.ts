import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** Where a test file says which sites it reached. */
export const fileFor = (told: string, testPath: string): string => `${told}-${basename(testPath)}.json`

export function readReached(told: string, testPath: string): ReadonlySet<number> {
  const file = fileFor(told, testPath)
  return new Set(existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as number[]) : [])
}
