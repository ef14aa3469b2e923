using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A port whose wire is files or fifos: frames of one come in, as fast as they are taken, frames that go out are written to the other, as a wire would have carried them (OVS's <c>dummy</c> devices with <c>rxq_pcap</c>, <c>tx_pcap</c>). Threads of its
/// own read and write; what the writer has no room for is lost and counted.
/// </summary>
public sealed class PcapPort : LivePort
{
    private const int IdleMs = 1;

    private readonly PatchRxQueue _in;
    private readonly PcapStream? _source, _target;
    private readonly PatchRxQueue[] _out;
    private readonly List<Thread> _threads = [];
    private int _opened;
    private volatile bool _end;

    /// <summary>Opens the files.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="name">Name in the switch.</param>
    /// <param name="source">Path of what comes in; null = nothing does.</param>
    /// <param name="target">Path of what goes out; null = it is counted.</param>
    /// <param name="threads">Packet threads of the switch.</param>
    /// <exception cref="IOException">The system refuses.</exception>
    public PcapPort(uint number, string name, string? source, string? target, int threads)
        : base(number, name)
    {
        _in = new PatchRxQueue(number);
        _out = [.. Enumerable.Range(0, threads).Select(_ => new PatchRxQueue(number))];
        _source = source is null ? null : PcapStream.Reader(source);
        try
        {
            _target = target is null ? null : PcapStream.Writer(target);
        }
        catch
        {
            _source?.Dispose();
            throw;
        }

        if (_source is not null) Begin(Read, "pcap-in");
        if (_target is not null) Begin(Write, "pcap-out");
    }

    /// <inheritdoc/>
    public override string Type => "pcap";

    /// <inheritdoc/>
    public override int QueueCount => 1;

    /// <inheritdoc/>
    public override int MtuBytes => Packet.MaxLengthBytes;

    /// <inheritdoc/>
    public override ulong Mac => 0;

    /// <inheritdoc/>
    public override int IfIndex => 0;

    /// <inheritdoc/>
    public override bool HasCarrier => true;

    /// <inheritdoc/>
    public override bool IsGone => false;

    /// <summary>Why it reads or writes no more; null = nothing is wrong.</summary>
    public string? Failure { get; private set; }

    /// <summary>All of a plain file has come in.</summary>
    public bool IsRead { get; private set; }

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _in;

    /// <inheritdoc/>
    public override void Refresh()
    {
        // Nothing behind it changes by itself.
    }

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new PcapTxQueue(this, _target is null ? null : _out[_opened++]);

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => _in.Counters;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _end = true;
        foreach (Thread thread in _threads) thread.Join();
        _source?.Dispose();
        _target?.Dispose();
        base.Dispose(disposing);
    }

    private void Begin(Action work, string name)
    {
        Thread thread = new(() =>
        {
            try
            {
                work();
            }
            catch (IOException e)
            {
                Failure = e.Message;
            }
        })
        { Name = name, IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    private unsafe void Read()
    {
        VirtioNetHeader plain = default;
        while (!_end && !_source!.IsAtEnd)
        {
            ReadOnlySpan<byte> frame = _source.Read();
            if (frame.IsEmpty)
            {
                Thread.Sleep(IdleMs);
                continue;
            }

            if (frame.Length > Packet.MaxLengthBytes || frame.Length < EthernetBytes)
            {
                _in.Counters.Drop(frame.Length < EthernetBytes ? PortDrop.RxRunt : PortDrop.RxTooLong);
                continue;
            }

            fixed (byte* bytes = frame)
            {
                while (!_in.TrySend(&plain, bytes, frame.Length) && !_end) Thread.Sleep(IdleMs);
            }
        }

        IsRead = _source!.IsAtEnd;
    }

    private const int EthernetBytes = 14;

    private void Write()
    {
        byte[] frame = new byte[Packet.MaxLengthBytes];
        long startNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        long begunNs = MonotonicClock.NowNs;
        for (bool isLast = false; ;)
        {
            bool isFlushed = _target!.TryFlush();
            bool hasWritten = false;
            foreach (PatchRxQueue ring in _out)
            {
                while (isFlushed && ring.TryTake(frame, out int length))
                {
                    _target.Put(frame.AsSpan(0, length), startNs + (MonotonicClock.NowNs - begunNs));
                    isFlushed = _target.TryFlush();
                    hasWritten = true;
                }
            }

            if (hasWritten) continue;
            if (isLast) return;
            if (_end) isLast = true;
            else Thread.Sleep(IdleMs);
        }
    }
}
