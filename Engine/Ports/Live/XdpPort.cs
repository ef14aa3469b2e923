using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A network device through AF_XDP: frames are taken before the kernel has made anything of them, a socket for each of the device's queues. For hardware. On a veth the other end must make its checksums itself
/// (<c>ethtool -K PEER tx off</c>): XDP neither sees nor keeps an unfinished one, nor a tag beside the frame.
/// </summary>
public sealed class XdpPort : NetDevicePort
{
    private const int HeaderAndTagBytes = 18;

    /// <summary>errno of the kernel: another program or link is there; another program is there in the other mode; the driver has no XDP.</summary>
    private const int Busy = 16, Exists = 17, NotSupported = 95;

    private readonly List<XdpRxQueue> _queues = [];
    private readonly List<IDisposable> _attached = [];
    private int _nextTx;

    /// <summary>Opens a device: by its driver, or, if that has no XDP, in front of the host's stack.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="device">Name of the device.</param>
    /// <param name="nativeOnly">By its driver or not at all.</param>
    /// <exception cref="IOException">There is no such device, its frames are too long, another XDP program is there, or the system refuses; the message says what.</exception>
    public XdpPort(uint number, string device, bool nativeOnly = false)
        : base(number, device, device)
    {
        int frameBytes = MtuBytes + HeaderAndTagBytes;
        int? chunkBytes = Array.Find<int?>([2048, 4096], c => frameBytes <= XdpSocket.MaxFrameBytesOf(c!.Value));
        if (chunkBytes is null) throw new IOException($"{device}: AF_XDP takes an MTU of {XdpSocket.MaxFrameBytesOf(4096) - HeaderAndTagBytes} at most, not {MtuBytes}");
        try
        {
            int count = QueuesOf(device);
            BpfMap map = new(BpfMapType.XskMap, 4, 4, count, 0, "mf_sockets");
            SocketMap = map.Descriptor;
            _attached.Add(map);
            _attached.Add(new PromiscuousMode(IfIndex));
            if (SystemPort.IsHardware(device)) _attached.Add(new WholeFrames(device));
            for (int q = 0; q < count; q++)
            {
                if (Open(q, chunkBytes.Value) is not { } socket) break;
                _queues.Add(new XdpRxQueue(this, socket));
                map.Update((uint)q, (uint)socket.Descriptor);
            }

            BpfProgram program = BpfProgram.Load(BpfProgramType.Xdp, PortPrograms.ToSockets(map.Descriptor), "mf_sockets", BpfProgram.HasFragments);
            _attached.Add(program);
            _attached.Add(Link = Attach(program, nativeOnly));
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
    public override string Datapath => IsNative ? "xdp" : "xdp, generic";

    /// <summary>The program on the device: whoever puts another one in its place sends what it does not take to <see cref="SocketMap"/>.</summary>
    internal BpfLink Link { get; } = null!;

    /// <summary>The sockets by queue.</summary>
    internal int SocketMap { get; }

    /// <summary>The device's driver runs the program.</summary>
    public bool IsNative { get; private set; }

    /// <inheritdoc/>
    public override int QueueCount => _queues.Count;

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _queues[queue];

    /// <summary>The sending half of a queue's socket has one user; who comes when all have one sends by a packet socket.</summary>
    protected override TxQueue NewTx()
    {
        int next = Interlocked.Increment(ref _nextTx) - 1;
        return next < _queues.Count ? new XdpTxQueue(this, _queues[next].Socket) : new PacketSocketTxQueue(this, PacketSocket.Sender(IfIndex, PacketSocketPort.DefaultBufferBytes));
    }

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue) => _queues[queue].UpToDate();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) Close();
    }

    /// <summary>Null: a device may have room for more queues than it uses.</summary>
    private XdpSocket? Open(int queue, int chunkBytes)
    {
        try
        {
            return new XdpSocket(IfIndex, queue, chunkBytes);
        }
        catch (IOException e) when (queue > 0 && e.HResult == XdpSocket.NoSuchQueue)
        {
            return null;
        }
    }

    private static int QueuesOf(string device)
    {
        using Rtnetlink net = new();
        return net.Find(device)?.RxQueues ?? 1;
    }

    private BpfLink Attach(BpfProgram program, bool nativeOnly)
    {
        try
        {
            IsNative = true;
            return Attach(program, BpfLink.XdpNative);
        }
        catch (BpfException e) when (e.Errno == NotSupported && !nativeOnly)
        {
            IsNative = false;
            return Attach(program, BpfLink.XdpGeneric);
        }
    }

    /// <summary>A link never takes the place of a program that is there, in either mode.</summary>
    private BpfLink Attach(BpfProgram program, uint mode)
    {
        try
        {
            return new BpfLink(program, IfIndex, BpfAttachPoint.Xdp, mode);
        }
        catch (BpfException e) when (e.Errno is Busy or Exists)
        {
            throw new IOException("another XDP program is on it, and stays there (see bpftool net)", e);
        }
    }

    private void Close()
    {
        for (int i = _attached.Count - 1; i >= 0; i--) _attached[i].Dispose();
        foreach (XdpRxQueue queue in _queues) queue.Dispose();
    }
}
