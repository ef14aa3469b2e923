using System.Collections.Concurrent;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Which packet thread polls which receive queue (OVS <c>pmd-rxq-assign</c>, <c>pmd-rxq-affinity</c>): in turn, unless a queue is pinned or control says otherwise (<see cref="RxqScheduler"/>); one thread may have several. Any thread
/// may ask. Who moves a queue that threads poll asks <see cref="SwitchPollers.MoveQueue"/>.
/// </summary>
public sealed class QueueAssignment
{
    /// <summary>In the place of a thread: no thread polls the queue.</summary>
    public const int Nobody = -1;

    private readonly ConcurrentDictionary<RxQueueName, int> _pmdOf = [];
    private readonly int _pmdCount;
    private int _turn;

    /// <summary>Assigns the queues of all ports.</summary>
    /// <param name="ports">OpenFlow numbers of the ports.</param>
    /// <param name="queuesPerPort">Queues of each.</param>
    /// <param name="pmdCount">Packet threads.</param>
    /// <param name="pins">Queues that a certain thread is to have; the others go to the threads in turn.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue or thread.</exception>
    public QueueAssignment(IEnumerable<uint> ports, int queuesPerPort, int pmdCount, IEnumerable<QueuePin>? pins = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queuesPerPort, 1);
        QueuesPerPort = queuesPerPort;
        _pmdCount = pmdCount;
        Dictionary<RxQueueName, int> pinned = (pins ?? []).ToDictionary(static p => p.Queue, static p => p.Pmd);
        foreach (uint port in ports)
        {
            for (int q = 0; q < queuesPerPort; q++)
            {
                var queue = new RxQueueName(port, q);
                _pmdOf.TryAdd(queue, pinned.ContainsKey(queue) ? 0 : _turn++ % pmdCount);
            }
        }

        foreach ((RxQueueName queue, int pmd) in pinned) Move(queue, pmd);
    }

    /// <summary>Queues of each port.</summary>
    public int QueuesPerPort { get; }

    /// <summary>The thread that polls a queue, or <see cref="Nobody"/>; that of a port that is not there is polled by the thread with its number.</summary>
    public int PmdOf(RxQueueName queue) => _pmdOf.TryGetValue(queue, out int pmd) ? pmd : queue.Index % _pmdCount;

    /// <summary>The queues of a thread, by port and index.</summary>
    public IReadOnlyList<RxQueueName> QueuesOf(int pmd) => [.. _pmdOf.Where(e => e.Value == pmd).Select(static e => e.Key).OrderBy(static q => q.Port).ThenBy(static q => q.Index)];

    /// <summary>A port has appeared, or has other queues: they go to the threads in turn, unless they had one before, or all to the one that is named. One thread at a time.</summary>
    /// <param name="port">OpenFlow number of the port.</param>
    /// <param name="queues">Its queues.</param>
    /// <param name="pmd">A thread, or <see cref="Nobody"/>; null = in turn.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such thread.</exception>
    public void Add(uint port, int queues, int? pmd = null)
    {
        if (pmd is { } one)
        {
            Give(port, queues, one);
            return;
        }

        for (int q = 0; q < queues; q++)
        {
            if (_pmdOf.TryAdd(new RxQueueName(port, q), _turn % _pmdCount)) _turn++;
        }
    }

    private void Give(uint port, int queues, int pmd)
    {
        Check(pmd);
        Forget(port);
        for (int q = 0; q < queues; q++) _pmdOf[new RxQueueName(port, q)] = pmd;
    }

    /// <summary>A port has gone for good.</summary>
    public void Forget(uint port)
    {
        foreach (RxQueueName queue in _pmdOf.Keys)
        {
            if (queue.Port == port) _pmdOf.TryRemove(queue, out _);
        }
    }

    /// <summary>Gives a queue to another thread.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue or thread.</exception>
    public void Move(RxQueueName queue, int pmd)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pmd);
        Check(pmd);
        Set(queue, pmd);
    }

    /// <summary>Takes a queue from all threads: it is <see cref="Nobody"/>'s until it is moved.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue.</exception>
    public void Hold(RxQueueName queue) => Set(queue, Nobody);

    private void Set(RxQueueName queue, int pmd)
    {
        if (!_pmdOf.ContainsKey(queue)) throw new ArgumentOutOfRangeException(nameof(queue), queue, "there is no such queue");
        _pmdOf[queue] = pmd;
    }

    private void Check(int pmd)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pmd, Nobody);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pmd, _pmdCount);
    }
}

/// <summary>A receive queue.</summary>
/// <param name="Port">OpenFlow number of its port.</param>
/// <param name="Index">Which of the port's queues, from 0 on.</param>
public readonly record struct RxQueueName(uint Port, int Index);

/// <summary>A queue and the packet thread that is to poll it.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Pmd">Index of the thread.</param>
public readonly record struct QueuePin(RxQueueName Queue, int Pmd);
