// Writes the vectors: node protocol/vectors/make.ts
import { writeFile } from 'node:fs/promises'
import { vectors } from './vectors.ts'

for (const [name, about] of Object.entries(vectors)) {
  const file = new URL(`${name}.json`, import.meta.url)
  await writeFile(file, `${JSON.stringify(await about(), null, 1)}\n`)
}
