using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A network device through tc programs: what comes in is redirected to a TAP of the port's own before the host's stack sees it, what is written to the TAP is redirected to the device. Super-frames and
/// unfinished checksums survive both ways.
/// </summary>
/// <remarks>
/// <code>
/// device -- tc ingress: redirect --> TAP --> read by the packet thread
/// device &lt;-- tc ingress of the TAP: redirect -- TAP &lt;-- written by a packet thread
/// </code>
/// The programs are on the devices by links: when the process ends, however it ends, they are gone with the TAP, and the device is the host's again. A filter of an older kernel stays behind a killed process and
/// drops: it redirects to a TAP that is gone.
/// </remarks>
public sealed class TcPort : NetDevicePort
{
    private readonly List<TapDevice> _taps = [];
    private readonly List<TapRxQueue> _queues = [];
    private readonly List<IDisposable> _attached = [];
    private readonly Rtnetlink _net = new();
    private readonly Lock _statistics = new();
    private readonly string _tap;
    private bool _usesFilter;
    private ulong _dropsBefore;
    private int _nextTx;

    /// <summary>Opens a device.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="device">Name of the device.</param>
    /// <param name="queueCount">Receive queues: the kernel spreads flows over them.</param>
    /// <param name="usesFilter">By filters, as on kernels before 6.6, instead of tcx links.</param>
    /// <exception cref="IOException">There is no such device, or the system refuses; the message says what.</exception>
    public TcPort(uint number, string device, int queueCount = 1, bool usesFilter = false)
        : base(number, device, device)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queueCount, 1);
        _tap = $"mfu{IfIndex}";
        try
        {
            for (int i = 0; i < queueCount; i++)
            {
                _taps.Add(TapDevice.Open(_tap, queueCount > 1));
                _queues.Add(new TapRxQueue(this, _taps[i]));
            }

            Silence(_tap);
            NetDevice.SetUp(_tap, isUp: true);
            TapIndex = NetDevice.IndexOf(_tap);
            _attached.Add(new PromiscuousMode(IfIndex));
            Attach(TapIndex, IfIndex, usesFilter);
            Attach(IfIndex, TapIndex, usesFilter);
        }
        catch (IOException e)
        {
            Close();
            throw new IOException($"{device}: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override string Type => "system";

    /// <inheritdoc/>
    public override string Datapath => _usesFilter ? "clsact" : "tc";

    /// <inheritdoc/>
    public override int QueueCount => _queues.Count;

    /// <summary>Number of the TAP that the frames come up by.</summary>
    public int TapIndex { get; }

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _queues[queue];

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new TapTxQueue(this, _taps[(Interlocked.Increment(ref _nextTx) - 1) % _taps.Count]);

    /// <summary>What the TAP had no room for is told for all queues together.</summary>
    protected override PortCounters RxCounters(int queue)
    {
        lock (_statistics)
        {
            if (queue == 0 && !IsGone && _net.Find(_tap) is { } link)
            {
                _queues[0].Counters.Drop(PortDrop.RxKernel, link.TxDropped - _dropsBefore);
                _dropsBefore = link.TxDropped;
            }
        }

        return _queues[queue].Counters;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) Close();
    }

    /// <summary>The host does not speak on the TAP: no address of its own, no neighbour or router discovery.</summary>
    private static void Silence(string device)
    {
        string setting = $"/proc/sys/net/ipv6/conf/{device}/disable_ipv6";
        if (File.Exists(setting)) File.WriteAllText(setting, "1");
    }

    private void Attach(int from, int to, bool usesFilter)
    {
        BpfProgram program = BpfProgram.Load(BpfProgramType.SchedCls, PortPrograms.Redirect(to), "mf_redirect");
        _attached.Add(program);
        TcAttachment attachment = new(program, from, isEgress: false, usesFilter);
        _usesFilter = attachment.UsesFilter;
        _attached.Add(attachment);
    }

    private void Close()
    {
        for (int i = _attached.Count - 1; i >= 0; i--) _attached[i].Dispose();
        foreach (TapRxQueue queue in _queues) queue.Dispose();
        for (int i = _queues.Count; i < _taps.Count; i++) _taps[i].Dispose();
        lock (_statistics) _net.Dispose();
    }
}
