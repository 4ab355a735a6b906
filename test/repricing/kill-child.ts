// A process that adopts or undoes a run and kills itself at its n-th point, or a little later; started by kill.test.ts.

import { connectClickHouse } from '../../collector/clickhouse/client.ts'
import { step } from '../../collector/repricing/publish.ts'

const [url = '', run = '', direction, at, laterMs = '0'] = process.argv.slice(2)
const clickhouse = connectClickHouse({ url, database: 'spanledger' })
let left = Number(at)
await step(
  {
    clickhouse,
    database: 'spanledger',
    seam: async (point) => {
      left--
      if (left !== 0) return
      await new Promise<void>((done) => process.stdout.write(`${point}\n`, () => done()))
      const kill = (): void => void process.kill(process.pid, 'SIGKILL')
      if (laterMs === '0') kill()
      else setTimeout(kill, Number(laterMs))
    },
  },
  run,
  direction === 'undoing' ? 'undoing' : 'adopting',
)
await clickhouse.close()
