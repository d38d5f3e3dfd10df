import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect } from 'vitest'
import { fileFor } from './reached.ts'
import './switched-off.ts'

/** Before each test file: which check is switched off. With none, afterwards: which checks the file reached. */
const told = process.env['DISABLED_SITE_FILE']
if (told) {
  globalThis.disabledSite = Number(readFileSync(told, 'utf8'))
  if (globalThis.disabledSite < 0) {
    const reached = new Set<number>()
    globalThis.reachedSites = reached
    afterAll(() => writeFileSync(fileFor(told, expect.getState().testPath ?? ''), JSON.stringify([...reached])))
  }
}
