// The simulated machine as commands that a development node is configured with; the node knows only that it runs them.
//   quote <report data in hex>                         a quote and its collateral
//   collect-evidence --nonce <hex>                     evidence of all GPUs, as NVIDIA's nvattest prints it
//   workload                                           the development workload, for --workload of the node
// Options: --workload FILE (what the image's init measured), --tee tdx|sev-snp, --gpus N, --serial NAME, --break RULE (any number)
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fromHex, secureRandom } from '@cocoon/protocol'
import { type TeeKind, teeKinds } from '@cocoon/protocol/appraisal'
import { type CommandMachine, parseWorkload, printGpus, printQuote, printWorkload } from './tee/quote-command.ts'
import { developmentWorkload } from './tee/scene.ts'
import { isSwitch } from './tee/switches.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workload: { type: 'string' },
    tee: { type: 'string', default: 'tdx' },
    gpus: { type: 'string', default: '1' },
    serial: { type: 'string', default: 'development' },
    break: { type: 'string', multiple: true, default: [] },
    nonce: { type: 'string', default: '' },
  },
})

function fromOption(text: string, bytes: number, name: string) {
  if (!new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(text))
    throw new Error(`${name} is ${bytes} bytes in hex, lower case`)
  return fromHex(text)
}

async function machineOf(): Promise<CommandMachine> {
  const stranger = values.break.find((name) => !isSwitch(name))
  if (stranger !== undefined) throw new Error(`--break ${stranger}: no such rule`)
  if (!(teeKinds as readonly string[]).includes(values.tee)) throw new Error(`--tee is one of ${teeKinds.join(', ')}`)
  if (!/^[0-8]$/.test(values.gpus)) throw new Error('--gpus is a number from 0 to 8')
  return {
    tee: values.tee as TeeKind,
    gpus: Array.from({ length: Number(values.gpus) }, () => 'hopper' as const),
    serial: values.serial,
    workload: values.workload ? parseWorkload(readFileSync(values.workload, 'utf8')) : await developmentWorkload(),
    broken: values.break.filter(isSwitch),
    now: Math.floor(Date.now() / 1000),
    random: secureRandom,
  }
}

async function answer(): Promise<string> {
  const machine = await machineOf()
  switch (positionals[0]) {
    case 'quote':
      return printQuote(machine, fromOption(positionals[1] ?? '', 64, 'report data'))
    case 'collect-evidence':
      return printGpus(machine, fromOption(values.nonce, 32, '--nonce'))
    case 'workload':
      return printWorkload(machine.workload)
    default:
      throw new Error('say what to do: quote, collect-evidence or workload')
  }
}

answer().then(
  (text) => console.log(text),
  (error: unknown) => {
    console.error(`run-tee: ${error instanceof Error ? error.message : 'failed'}`)
    process.exit(2)
  },
)
