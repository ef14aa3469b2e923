using System.Net;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A port without any device (OVS <c>lib/netdev-dummy.c</c>): frames come in when somebody hands them over, and what goes out is counted, and given to a file or to whoever listens. Control reads what went out;
/// packet threads do not wait for it. For tests.
/// </summary>
public sealed unsafe class DummyPort : LivePort
{
    /// <summary>Most receive queues.</summary>
    public const int MaxQueues = 1024;

    private const int InBytes = 1 << 18;
    private const int OutBytes = 1 << 20;
    private const int EthernetBytes = 14;
    private const int DefaultMtuBytes = 1500;

    /// <summary>The first one is that of the datapath's own port, which is a netdev in Open vSwitch.</summary>
    private static uint s_last = 0xaa550000;

    private readonly Lock _wire = new();

    /// <summary>Those that it has, and behind them those that it has had.</summary>
    private volatile PatchRxQueue[] _in;
    private volatile int _queueCount;
    private readonly List<DummyTxQueue> _out = [];
    private readonly byte[] _frame = new byte[Packets.Packet.MaxLengthBytes];
    private PcapFile? _received, _sent;
    private ulong _mac;
    private int _mtuBytes = DefaultMtuBytes;
    private volatile bool _isUp = true;
    private volatile int _numaNode;
    private bool _steersByHash;

    /// <summary>What it was at the last look.</summary>
    private volatile bool _hasCarrier = true;
    private volatile bool _isRead;

    /// <summary>A port that is up.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="name">Name in the switch.</param>
    /// <param name="type"><c>dummy</c>, <c>dummy-internal</c>, <c>dummy-pmd</c>, or what it stands for.</param>
    /// <param name="queues">Receive queues, 1 to <see cref="MaxQueues"/>.</param>
    public DummyPort(uint number, string name, string type, int queues)
        : base(number, name)
    {
        Type = type;
        _in = [];
        SetQueueCount(queues);
        _mac = 0xaa55_0000_0000UL | Interlocked.Increment(ref s_last);
    }

    /// <inheritdoc/>
    public override string Type { get; }

    /// <inheritdoc/>
    public override int QueueCount => _queueCount;

    /// <inheritdoc/>
    public override bool IsPmd => Type == "dummy-pmd";

    /// <inheritdoc/>
    public override int MtuBytes => Volatile.Read(ref _mtuBytes);

    /// <inheritdoc/>
    public override ulong Mac => Volatile.Read(ref _mac);

    /// <inheritdoc/>
    public override int IfIndex => 0;

    /// <summary>The number that it says it has as a device; null = none.</summary>
    public int? ShownIndex { get; set; }

    /// <inheritdoc/>
    public override int? NumaNode => _numaNode;

    /// <summary>Transmit queues that it says it has.</summary>
    public int TxQueueCount { get; private set; } = 1;

    /// <summary>Addresses that it says the host has there, with the bits of their prefixes.</summary>
    public IReadOnlyList<(IPAddress Address, int PrefixBits)> Addresses { get; private set; } = [];

    /// <inheritdoc/>
    public override bool HasCarrier => _hasCarrier;

    /// <inheritdoc/>
    public override bool IsUp => _isUp;

    /// <inheritdoc/>
    public override bool IsGone => false;

    /// <summary>Takes what goes out, in order, by whoever calls <see cref="Drain"/>; null = nobody listens.</summary>
    public Action<ReadOnlyMemory<byte>>? Listener
    {
        get;
        set
        {
            field = value;
            UpdateRead();
        }
    }

    /// <summary>No frame waits to be received.</summary>
    public bool IsIdle
    {
        get
        {
            // There are more queues before their number says so, and never fewer.
            int count = _queueCount;
            foreach (PatchRxQueue queue in _in.AsSpan(0, count))
            {
                if (!queue.IsEmpty) return false;
            }

            return true;
        }
    }

    /// <summary>Wakes who drains; null = nobody has to be woken.</summary>
    public WakeLatch? Reader { get; set; }

    /// <summary>Something may have gone out that nobody has read.</summary>
    internal bool IsRead => _isRead;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, ulong Value)> CustomStatistics()
    {
        PortCounters[] received = [.. Enumerable.Range(0, QueueCount).Select(RxCounters)];
        ulong packets = received.Aggregate(0UL, static (sum, c) => sum + c.Packets);
        List<(string, ulong)> named = [("rx_custom_packets_1", packets), ("rx_custom_packets_2", packets)];
        Name("rx", received);
        lock (_wire) Name("tx", [.. Enumerable.Range(0, TxQueueCount).Select(q => PortCounters.Sum(_out.Select(o => o.OfQueue(q))))]);
        return named;

        void Name(string direction, PortCounters[] queues)
        {
            for (int i = 0; i < queues.Length; i++) named.AddRange([($"{direction}_q{i}_bytes", queues[i].Bytes), ($"{direction}_q{i}_packets", queues[i].Packets)]);
        }
    }

    /// <summary>Gives it another number of receive queues, 1 to <see cref="MaxQueues"/>; frames that wait in those that go are lost. While nobody polls them.</summary>
    public void SetQueueCount(int queues)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queues, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(queues, MaxQueues);
        lock (_wire)
        {
            foreach (PatchRxQueue gone in _in.Skip(queues))
            {
                while (gone.TryTake(_frame, out _))
                {
                }
            }

            if (queues > _in.Length) _in = [.. _in, .. Enumerable.Range(0, queues - _in.Length).Select(_ => new PatchRxQueue(Number, InBytes))];
            _queueCount = queues;
        }
    }

    /// <summary>Has it say that it has so many transmit queues, 1 to <see cref="MaxQueues"/>: packet threads use them in turn, or each frame one by its hash (OVS <c>tx-steering</c>). They begin to count anew when that changes.</summary>
    public void SetTxQueues(int queues, bool byHash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queues, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(queues, MaxQueues);
        lock (_wire)
        {
            if (queues == TxQueueCount && byHash == _steersByHash) return;
            (TxQueueCount, _steersByHash) = (queues, byHash);
            foreach (DummyTxQueue tx in _out) tx.Steer(queues, byHash);
        }
    }

    /// <summary>Has it say that it is at another memory node.</summary>
    public void SetNumaNode(int node) => _numaNode = node;

    /// <summary>Switches it on or off.</summary>
    public void SetUp(bool isUp) => _isUp = isUp;

    /// <summary>Gives it another Ethernet address.</summary>
    public void SetMac(ulong mac) => Volatile.Write(ref _mac, mac);

    /// <summary>Gives it another MTU, bytes.</summary>
    public void SetMtuBytes(int bytes) => Volatile.Write(ref _mtuBytes, bytes);

    /// <summary>The host has this address there, beside the one of the other family.</summary>
    public void SetAddress(IPAddress address, int prefixBits)
        => Addresses = [.. Addresses.Where(a => a.Address.AddressFamily != address.AddressFamily), (address, prefixBits)];

    /// <summary>What comes in and what goes out is written behind what these files have; null = it is not.</summary>
    /// <exception cref="IOException">One cannot be opened.</exception>
    public void Capture(string? received, string? sent)
    {
        lock (_wire)
        {
            CloseFiles();
            _received = received is null ? null : PcapFile.Append(received);
            _sent = sent is null ? null : sent == received ? _received : PcapFile.Append(sent);
        }

        UpdateRead();
    }

    /// <summary>A frame comes in; false if it is lost: its queue is full, or it has no Ethernet header, or is too long.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue.</exception>
    public bool Receive(ReadOnlySpan<byte> frame, int queue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(queue);
        lock (_wire)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(queue, _queueCount);
            _received?.Write(frame);
            if (frame.Length is < EthernetBytes or > Packets.Packet.MaxLengthBytes) return false;
            VirtioNetHeader plain = default;
            fixed (byte* bytes = frame) return _in[queue].TrySend(&plain, bytes, frame.Length);
        }
    }

    /// <summary>Writes what has gone out to where it goes. Any thread, one at a time; true if there was something.</summary>
    public bool Drain()
    {
        if (!_isRead) return false;
        bool hadSome = false;
        lock (_wire)
        {
            foreach (DummyTxQueue tx in _out)
            {
                while (tx.Ring.TryTake(_frame, out int length))
                {
                    hadSome = true;
                    _sent?.Write(_frame.AsSpan(0, length));
                    Listener?.Invoke(_frame.AsMemory(0, length));
                }
            }
        }

        return hadSome;
    }

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _in[queue];

    /// <inheritdoc/>
    public override void Refresh() => _hasCarrier = _isUp;

    /// <inheritdoc/>
    protected override TxQueue NewTx()
    {
        lock (_wire)
        {
            DummyTxQueue tx = new(this, new PatchRxQueue(Number, OutBytes), _out.Count);
            tx.Steer(TxQueueCount, _steersByHash);
            _out.Add(tx);
            return tx;
        }
    }

    /// <inheritdoc/>
    protected override int CountedQueues => _in.Length;

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => _in[queue].Counters;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Drain();
            lock (_wire) CloseFiles();
        }

        base.Dispose(disposing);
    }

    private void UpdateRead() => _isRead = Listener is not null || _sent is not null;

    private void CloseFiles()
    {
        _received?.Dispose();
        if (_sent != _received) _sent?.Dispose();
        _received = _sent = null;
    }
}
