// A process that adopts or undoes a run and kills itself at its n-th point; started by kill.test.ts.

import { connectClickHouse } from '../../collector/clickhouse/client.ts'
import { step } from '../../collector/repricing/publish.ts'

const [url = '', run = '', direction, at] = process.argv.slice(2)
const clickhouse = connectClickHouse({ url, database: 'spanledger' })
let left = Number(at)
await step(
  {
    clickhouse,
    database: 'spanledger',
    seam: async (point) => {
      left--
      if (left > 0) return
      await new Promise<void>((done) => process.stdout.write(`${point}\n`, () => done()))
      process.kill(process.pid, 'SIGKILL')
    },
  },
  run,
  direction === 'undoing' ? 'undoing' : 'adopting',
)
await clickhouse.close()
