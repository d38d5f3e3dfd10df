// The last line of a test run, in one form whatever ran: "N passed, N failed".
export default class Tally {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'failed') failedHere += 1
        else if (state in count) count[state] += 1
      }
      // A file that could not be loaded, or whose hooks failed, has no failed test to show for it: it counts as one.
      count.failed += failedHere || (module.state() === 'failed' ? 1 : 0)
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
    process.once('exit', () => console.log(`${count.passed} passed, ${count.failed} failed${skipped}`))
  }
}
