using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <content>The program and the interfaces that it is on.</content>
public sealed partial class KernelNic
{
    private const int EthernetBytes = 14;

    /// <summary>Whose a place in the table of ports is, <see cref="KernelLayout.NoPort"/> = nobody's so far. Whoever has had it keeps it: a rule that is still there never sends to another port.</summary>
    private readonly uint[] _owners = [.. Enumerable.Repeat(KernelLayout.NoPort, KernelLayout.PortCount)];

    private readonly Dictionary<uint, KernelPort> _ports = [];
    private readonly BpfAttachPoint _attachPoint;
    private BpfProgram _program = null!;

    /// <summary>The program is not the one for the masks: no frame has met it so far.</summary>
    private volatile bool _isBehind;

    private bool IsTc => _attachPoint == BpfAttachPoint.TcxIngress;

    /// <summary>The program as it is now.</summary>
    public IReadOnlyList<BpfInstruction> Program => UpToDate().Code;

    /// <summary>What the verifier says of it: every instruction, what is known of the registers, and what it has cost to look at.</summary>
    public string Explain() => BpfProgram.Explain(IsTc ? BpfProgramType.SchedCls : BpfProgramType.Xdp, UpToDate().Code, "mergeflow", IsTc ? 0 : BpfProgram.HasFragments);

    /// <summary>Rules may send to a port, and, if the program is put on its interface, take what comes in there.</summary>
    /// <exception cref="ArgumentException">There is such a port, or another port or interface has its place.</exception>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void AddPort(KernelPortOptions port)
    {
        lock (_sync)
        {
            if (_ports.ContainsKey(port.Number)) throw new ArgumentException($"there is a port {port.Number}", nameof(port));
            if (!Claims(port.Number)) throw new ArgumentException($"port {port.Number} has the place of port {_owners[PlaceNumber(port.Number)]} in the kernel's table", nameof(port));
            Span<byte> device = DeviceOf(port.Interface);
            if (BinaryPrimitives.ReadInt32LittleEndian(device) is not 0) throw new ArgumentException($"interface {port.Interface} has the place of interface {BinaryPrimitives.ReadInt32LittleEndian(device)} in the kernel's table", nameof(port));
            Span<byte> place = PlaceOf(port.Number);
            BinaryPrimitives.WriteInt32LittleEndian(place[KernelLayout.PortUpcall..], port.Upcall);
            BinaryPrimitives.WriteInt32LittleEndian(place[KernelLayout.PortFlags..], (port.IsHost ? KernelLayout.IntoStack : 0) | (port.Xdp is not null || !IsTc ? KernelLayout.TakesXdp : 0));
            BinaryPrimitives.WriteInt32LittleEndian(place[KernelLayout.PortMaxFrame..], port.MtuBytes + EthernetBytes);
            Volatile.Write(ref MemoryMarshal.AsRef<int>(place), port.Interface);
            BinaryPrimitives.WriteUInt32LittleEndian(device[4..], port.Number);
            Volatile.Write(ref MemoryMarshal.AsRef<int>(device), port.Interface);
            _ports[port.Number] = new KernelPort(port.Interface);
            try
            {
                if (port.Xdp is { } xdp)
                {
                    UpToDate();
                    _ports[port.Number] = new KernelPort(port.Interface) { Xdp = xdp };
                    using BpfProgram program = Load(DrawWritten(), isTc: false, xdp.SocketMap);
                    xdp.Link.Update(program);
                    _drawn++;
                }
                else if (port.Attaches)
                {
                    _ports[port.Number] = new KernelPort(port.Interface) { Link = new BpfLink(UpToDate(), port.Interface, _attachPoint, IsTc ? BpfLink.TcxFirst : 0) };
                }
            }
            catch
            {
                RemovePort(port.Number);
                throw;
            }
        }
    }

    /// <summary>Longer packets than that are left to software when they are to leave by the port.</summary>
    public void SetMtu(uint port, int mtuBytes)
    {
        lock (_sync)
        {
            if (_ports.ContainsKey(port)) BinaryPrimitives.WriteInt32LittleEndian(PlaceOf(port)[KernelLayout.PortMaxFrame..], mtuBytes + EthernetBytes);
        }
    }

    /// <summary>The port may be sent to, or not: then frames that rules send to it are software's. On return no frame goes there.</summary>
    public void SetLink(uint port, bool isUp)
    {
        lock (_sync)
        {
            if (!_ports.TryGetValue(port, out KernelPort known)) return;
            Volatile.Write(ref MemoryMarshal.AsRef<int>(PlaceOf(port)), isUp ? known.Interface : 0);
            if (!isUp) _table.Quiesce();
        }
    }

    /// <summary>The port is no longer there: frames that rules send to it are software's. On return no frame goes there.</summary>
    public void RemovePort(uint port)
    {
        lock (_sync)
        {
            if (!_ports.Remove(port, out KernelPort gone)) return;
            gone.Link?.Dispose();
            if (gone.Xdp is not null) _drawn++;
            PlaceOf(port).Clear();
            DeviceOf(gone.Interface).Clear();
            _table.Quiesce();
        }
    }

    /// <summary>Runs the program on a frame as if it had come in by interface 1, loopback: what it returns, and the frame behind it.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public BpfRun TestRun(ReadOnlySpan<byte> frame, Span<byte> output, int repeat = 1)
        => UpToDate().TestRun(frame, output, repeat: repeat);

    private KernelTemplate? FindTemplate(CompiledRule rule)
    {
        foreach (KernelTemplate t in _templates)
        {
            if (t.Table == rule.Table && t.Mask.Bytes.SequenceEqual(rule.Mask.Bytes)) return t;
        }

        return null;
    }

    /// <summary>The mask's template; null if there is no room for one more.</summary>
    private KernelTemplate? TemplateOf(CompiledRule rule, ref bool isNew)
    {
        if (FindTemplate(rule) is { } known) return known;
        if (_templates.Count >= Profile.ExactMatchTemplates)
        {
            int unused = _templates.FindIndex(static t => t.RuleCount == 0);
            if (unused < 0) return null;
            _templates.RemoveAt(unused);
        }

        KernelTemplate template = new(ref rule.Mask, rule.Table, _seed + (0x9e37_79b9_7f4a_7c15 * ++_templateCounter));

        // Exact ones first, in the order in which they came.
        _templates.Insert(_templates.FindLastIndex(t => t.Table >= template.Table) + 1, template);
        isNew = true;
        return template;
    }

    /// <summary>The program for the masks; it is written and verified only when frames come: a replay has none, and loads of 16 masks take some 100 ms.</summary>
    /// <exception cref="IOException">The kernel refuses it.</exception>
    private BpfProgram UpToDate()
    {
        if (!_isBehind) return _program;
        lock (_sync)
        {
            if (_isBehind && Load() is { } refused) throw new IOException(refused.Message);
            return _program;
        }
    }

    /// <summary>The masks are others, or what else the program is written for.</summary>
    private FlowError? Swap() => Swap(Draw);

    private FlowError? Swap(Func<Drawing> draw)
    {
        if (IsAttached) return Load(draw());

        // Not before the program is written: then by what is there. One that is being verified is for masks before these.
        _features = FeaturesOfRules();
        _isBehind = true;
        _drawn++;
        return null;
    }

    /// <summary>Frames meet the program.</summary>
    private bool IsAttached => _ports.Values.Any(static p => p.Link is not null || p.Xdp is not null);

    /// <summary>A link whose interface is gone, or that somebody has taken off it, takes no frames: its port is out of use until it is removed.</summary>
    private static void Update(BpfLink link, BpfProgram program)
    {
        const int noLink = 67;
        try
        {
            link.Update(program);
        }
        catch (BpfException e) when (e.Errno == noLink)
        {
        }
    }

    private Span<byte> DeviceOf(int index) => _memory.Control.Span.Slice(KernelLayout.Devices + (8 * (index & (KernelLayout.DeviceCount - 1))), 8);

    private Span<byte> PlaceOf(uint port) => _memory.Control.Span.Slice(KernelLayout.Ports + (KernelLayout.PortBytes * PlaceNumber(port)), KernelLayout.PortBytes);

    private static int PlaceNumber(uint port) => (int)(port & (KernelLayout.PortCount - 1));

    /// <summary>The place of a number is its own from now on; false = it is another one's. From any thread.</summary>
    private bool Claims(uint port) => Interlocked.CompareExchange(ref _owners[PlaceNumber(port)], port, KernelLayout.NoPort) is var owner && (owner == KernelLayout.NoPort || owner == port);

    /// <summary>Whether a rule may send there: to a port that is or was there, or to a low number.</summary>
    private bool IsOutput(uint port) => port < KernelLayout.PortCount ? Claims(port) : Volatile.Read(ref _owners[PlaceNumber(port)]) == port;

    private static string LastLine(string? log)
    {
        string[] lines = (log ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(" / ", lines.TakeLast(4));
    }

    /// <summary>A port, and where the program is on it: a link of its own, or that of a port with sockets behind it.</summary>
    private readonly record struct KernelPort(int Interface)
    {
        public BpfLink? Link { get; init; }

        public KernelXdp? Xdp { get; init; }
    }
}

/// <summary>What a <see cref="KernelNic"/> has forwarded from and to a port.</summary>
public readonly record struct KernelPortTotals(ulong RxPackets, ulong RxBytes, ulong TxPackets, ulong TxBytes);

/// <summary>A port of a <see cref="KernelNic"/>.</summary>
public sealed record KernelPortOptions
{
    /// <summary>Its number: no two ports have the same one modulo 1024.</summary>
    public required uint Number { get; init; }

    /// <summary>Its interface.</summary>
    public required int Interface { get; init; }

    /// <summary>Longer packets behind the Ethernet header are left to software.</summary>
    public required int MtuBytes { get; init; }

    /// <summary>The program is put on the interface; else frames only leave there.</summary>
    public bool Attaches { get; init; }

    /// <summary>Frames come in and leave by XDP: what no rule takes goes to the sockets; null = by tc.</summary>
    public KernelXdp? Xdp { get; init; }

    /// <summary>tc: interface that misses go to; 0 = on into the host's stack.</summary>
    public int Upcall { get; init; }

    /// <summary>tc: frames to the port go into the host's stack by its interface, instead of out of it.</summary>
    public bool IsHost { get; init; }
}

/// <summary>A port whose frames are taken by XDP.</summary>
/// <param name="Link">Where its program is; not owned.</param>
/// <param name="SocketMap">XSKMAP of its sockets, by queue.</param>
public sealed record KernelXdp(BpfLink Link, int SocketMap);
