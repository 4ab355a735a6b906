// One process per journal directory. The lock is a listening socket, because the kernel takes a socket away with its
// process, kill -9 included; a file with a process id in it would have to be judged stale by guessing.

import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'

export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Holds the directory until released or until the process ends.
 * Throws an Error that names the holder when another process (or this one) has it.
 *
 * Linux: an abstract socket named after the directory's inode excludes processes of one network namespace without a
 * race; a socket file in the directory, where the file system can hold one, excludes other containers on the volume.
 * macOS: a file opened with O_EXLOCK. Windows: a named pipe.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  if (process.platform === 'darwin') return lockFile(path.join(directory, 'lock'))
  const { dev, ino } = fs.statSync(directory, { bigint: true })
  const name = `spanledger-journal-${dev}-${ino}`
  if (process.platform === 'win32') return lockSocket(`\\\\.\\pipe\\${name}`, directory)

  const first = await lockSocket(`\0${name}`, directory)
  try {
    const second = await lockSocketFile(directory)
    return {
      async release() {
        await second?.release()
        await first.release()
      },
    }
  } catch (error) {
    await first.release()
    throw error
  }
}

async function lockSocket(address: string, directory: string): Promise<DirectoryLock> {
  const server = await listen(address)
  if (server === 'in_use') throw heldError(directory, (await askHolder(address)) ?? 'another process')
  if (server === null) throw new Error(`journal ${directory} cannot be locked: no socket can be opened`)
  return server
}

async function lockSocketFile(directory: string): Promise<DirectoryLock | null> {
  // A socket address is at most 107 bytes; through the descriptor of its directory any path is short enough.
  const fd = fs.openSync(directory, 'r')
  const address = `/proc/self/fd/${fd}/lock`
  try {
    let server = await listen(address)
    if (server === 'in_use') {
      const holder = await askHolder(address)
      if (holder !== null) throw heldError(directory, holder)
      // Nobody listens: its process was killed. Other processes of this host wait at the abstract socket.
      fs.unlinkSync(address)
      server = await listen(address)
      if (server === 'in_use') throw heldError(directory, 'another process')
    }
    const held = server
    if (held !== null) fs.chmodSync(address, 0o600)
    return {
      async release() {
        await held?.release()
        fs.closeSync(fd)
      },
    }
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

/** A lock on the address, `in_use`, or null where there can be no such socket: not every file system holds them. */
async function listen(address: string): Promise<DirectoryLock | 'in_use' | null> {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(`process ${process.pid}`)
  })
  const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    server.once('error', resolve)
    server.listen(address, () => resolve(null))
  })
  if (problem?.code === 'EADDRINUSE') return 'in_use'
  if (problem !== null) return null
  server.unref()
  return { release: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** What the holder says of itself, null when nobody listens any more. */
function askHolder(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = net.connect(address)
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('connect', () => {
      answer = 'another process'
    })
    socket.on('data', (data) => {
      answer = data.toString('latin1', 0, 64)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(answer === '' ? null : answer))
  })
}

const darwinExclusiveLock = 0x20

function lockFile(file: string): DirectoryLock {
  const { O_CREAT, O_RDWR, O_NONBLOCK } = fs.constants
  let fd: number
  try {
    fd = fs.openSync(file, O_CREAT | O_RDWR | O_NONBLOCK | darwinExclusiveLock, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    throw heldError(path.dirname(file), `process ${fs.readFileSync(file, 'latin1')}`)
  }
  fs.ftruncateSync(fd)
  fs.writeSync(fd, String(process.pid), 0)
  return {
    async release() {
      fs.closeSync(fd)
    },
  }
}

function heldError(directory: string, holder: string): Error {
  return new Error(`journal ${directory} is in use by ${holder}: stop it, or set another data directory`)
}
