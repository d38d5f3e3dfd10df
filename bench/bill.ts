import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rounded } from './statistics.ts'

/** US dollars a million, Workers Paid beyond what it includes; docs/operating.md names the pages and the date. */
const prices = {
  workerRequest: 0.3,
  workerMillisecond: 0.02,
  objectRequest: 0.15,
  rowWritten: 1,
  rowRead: 0.001,
  gigabyteSecond: 12.5,
  logLine: 0.6,
}
/** Incoming WebSocket messages that are billed as one request to an object. */
const MESSAGES_A_REQUEST = 20
const OBJECT_GB = 0.128
/** Estimates, since nothing here runs at Cloudflare: milliseconds. */
const estimated = { worker: 3, aMessage: 0.1, waitingForOthers: 200 }
/** A sign-in, and what the first of a user's day adds; shared by as many questions. */
const signIn = { dollars: 1.6 + 3.15, questions: 5 }
const TARGET = 9

interface Counted {
  readonly written: number
  readonly read: number
  readonly calls: number
  readonly messages: number
}

/** The jobs that are counted, by the names of their tests, and how long they take where they are not hurried. */
const jobs = {
  short: { test: 'are three for a short answer that its reader takes', seconds: 2 },
  long: { test: 'are as many for a long one of less than thirty seconds', seconds: 21 },
}

/** Runs the test that holds these numbers, with the broker's objects in workerd. */
async function counted(): Promise<ReadonlyMap<string, Counted>> {
  const folder = mkdtempSync(join(tmpdir(), 'cocoon-bill-'))
  const report = join(folder, 'rows.json')
  const root = fileURLToPath(new URL('..', import.meta.url))
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'functions', 'functions/test/rows.test.ts']
  try {
    const child = spawn(process.execPath, [...vitest, '--reporter=json', `--outputFile=${report}`], {
      cwd: root,
      stdio: 'ignore',
    })
    const code = await new Promise((done) => child.on('exit', done))
    if (code !== 0) throw new Error('functions/test/rows.test.ts fails: what a job costs has changed')
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: { assertionResults: { title: string; meta: { job?: Counted } }[] }[]
    }
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    return new Map(tests.flatMap(({ title, meta }) => (meta.job ? [[title, meta.job] as const] : [])))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function billOf(job: Counted, seconds: number) {
  // A node sends its oldest frame again every two seconds; the test does not wait for that.
  const messages = job.messages + Math.floor(seconds / 2)
  const objectSeconds = (messages * estimated.aMessage + estimated.waitingForOthers) / 1000
  const dollars =
    2 * prices.workerRequest +
    estimated.worker * prices.workerMillisecond +
    (job.calls + messages / MESSAGES_A_REQUEST) * prices.objectRequest +
    job.written * prices.rowWritten +
    job.read * prices.rowRead +
    objectSeconds * OBJECT_GB * prices.gigabyteSecond +
    prices.logLine
  return {
    events: { workerRequests: 2, objectCalls: job.calls, messagesIn: messages, logLines: 1 },
    rows: { written: job.written, read: job.read },
    dollarsAMillionJobs: rounded(dollars),
    withSignIns: rounded(dollars + signIn.dollars / signIn.questions),
  }
}

/** Events and rows of a job, counted, and what a million of them cost at Cloudflare: the model of docs/operating.md. */
export async function measureBill() {
  const counts = await counted()
  const bill = (which: keyof typeof jobs) => {
    const job = counts.get(jobs[which].test)
    if (!job) throw new Error(`functions/test/rows.test.ts has no test "${jobs[which].test}"`)
    return billOf(job, jobs[which].seconds)
  }
  const [short, long] = [bill('short'), bill('long')]
  return { short, long, target: TARGET, met: Math.max(short.withSignIns, long.withSignIns) <= TARGET }
}
