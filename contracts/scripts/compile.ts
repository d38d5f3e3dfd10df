// Compiles every contract and writes the code that the rest of the project pins: `node contracts/scripts/compile.ts`.
import { writeFileSync } from 'node:fs'
import { codeModule, compileTolk, contracts } from './tolk.ts'

for (const contract of contracts()) {
  const compiled = await compileTolk(contract)
  writeFileSync(new URL(`../src/code/${contract}.ts`, import.meta.url), codeModule(contract, compiled))
  console.log(`${contract}: ${Buffer.from(compiled.boc, 'base64').length} bytes, hash ${compiled.hash}`)
}
