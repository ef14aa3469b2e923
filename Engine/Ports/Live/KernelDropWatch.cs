using System.Globalization;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Frames that the kernel loses between a device and the switch, or behind it, by port and reason: small programs at its tracepoints <c>skb:kfree_skb</c>, <c>xdp:xdp_exception</c>, <c>xdp:xdp_redirect_err</c> and
/// <c>xdp:xdp_devmap_xmit</c>. Needs CAP_BPF, CAP_PERFMON and a kernel that tells of its types (BTF). For any thread.
/// </summary>
public sealed unsafe class KernelDropWatch : IDisposable
{
    private const int CountersOfPort = KernelDropProgram.Groups * KernelDropProgram.Reasons;
    private const string Prefix = "SKB_DROP_REASON_", Rules = "TC_INGRESS", SocketFull = "PACKET_SOCK_ERROR", OtherHost = "SKB_DROP_REASON_OTHERHOST";

    private static readonly Lock s_kernelLock = new();
    private static (KernelDropOffsets Offsets, IReadOnlyDictionary<int, string> Names)? s_kernel;

    private readonly Lock _lock = new();
    private readonly List<IDisposable> _open = [];
    private readonly Dictionary<LivePort, int> _places = [];
    private readonly Stack<int> _free = new(Enumerable.Range(0, KernelDropProgram.Places).Reverse());
    private readonly IReadOnlyDictionary<int, string> _names;
    private readonly BpfMap _devices;
    private readonly ulong* _counts;
    private bool _isClosed;

    /// <summary>Begins to count for the ports that <see cref="Watch"/> names.</summary>
    /// <exception cref="IOException">Not allowed, or not in this kernel; the message says what is missing.</exception>
    public KernelDropWatch()
    {
        try
        {
            (KernelDropOffsets offsets, _names) = Kernel();
            _open.Add(_devices = new BpfMap(BpfMapType.Hash, sizeof(int), 2 * sizeof(int), 2 * KernelDropProgram.Places, 0, "mf_devices"));
            BpfMap counts = BpfMap.Shared(KernelDropProgram.CountBytes, "mf_drops");
            _open.Add(counts);
            _counts = (ulong*)counts.Memory;
            uint netNamespace = NamespaceNumber();
            int otherHost = _names.FirstOrDefault(static n => n.Value == OtherHost, new(-1, "")).Key;
            KernelDropProgram New() => new(_devices, counts, offsets, netNamespace, otherHost);
            Attach("kfree_skb", New().FreedSkb());
            Attach("xdp_exception", New().Received(KernelDropProgram.XdpException));
            Attach("xdp_redirect_err", New().Received(KernelDropProgram.XdpRedirect));
            Attach("xdp_devmap_xmit", New().Transmitted());
        }
        catch (InvalidDataException e)
        {
            Dispose();
            throw new IOException(e.Message, e);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>From now on losses of the port are counted, from 0 on; not if it has no device, or there are too many ports.</summary>
    public void Watch(LivePort port)
    {
        if (port.IfIndex == 0) return;
        lock (_lock)
        {
            if (_isClosed || _places.ContainsKey(port) || !_free.TryPop(out int place)) return;
            _places.Add(port, place);
            int first = place * CountersOfPort;
            new Span<ulong>(_counts + first, CountersOfPort).Clear();
            foreach (int device in DevicesOf(port))
            {
                ReadOnlySpan<int> value = [device == port.IfIndex ? first : first + (KernelDropProgram.AtTap * KernelDropProgram.Reasons), port.IfIndex];
                _devices.Update(new ReadOnlySpan<byte>(&device, sizeof(int)), MemoryMarshal.AsBytes(value));
            }

            // Programs may have known it as none of ours. One that still does writes so for the turn before.
            Interlocked.Add(ref _counts[KernelDropProgram.CounterBytes / sizeof(ulong)], KernelDropProgram.Turn);
        }

        port.LostInKernel = () => Of(port);
    }

    /// <summary>The port is about to go.</summary>
    public void Forget(LivePort port)
    {
        lock (_lock)
        {
            if (_isClosed || !_places.Remove(port, out int place)) return;
            foreach (int device in DevicesOf(port)) _devices.Delete(new ReadOnlySpan<byte>(&device, sizeof(int)));
            _free.Push(place);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            for (int i = _open.Count - 1; i >= 0; i--) _open[i].Dispose();
            _open.Clear();
        }
    }

    private static IEnumerable<int> DevicesOf(LivePort port) => port is TcPort tc ? [tc.IfIndex, tc.TapIndex] : [port.IfIndex];

    /// <summary>What the kernel has counted of a port's frames; what it has lost of the host's own is not among it.</summary>
    private List<KernelDrop> Of(LivePort port)
    {
        List<KernelDrop> drops = [];
        lock (_lock)
        {
            if (_isClosed || !_places.TryGetValue(port, out int place)) return drops;
            ulong* counts = _counts + (place * CountersOfPort);
            for (int i = 0; i < CountersOfPort; i++)
            {
                if (Volatile.Read(ref counts[i]) is not (> 0 and ulong count)) continue;
                int group = i / KernelDropProgram.Reasons;
                KernelDrop drop = new(group != KernelDropProgram.Sent, NameOf(i % KernelDropProgram.Reasons), count, IsCounted(port, group));
                if (Belongs(port, ref drop)) drops.Add(drop);
            }
        }

        return drops;
    }

    /// <summary>A packet socket is told what the device refuses, by kernels whose drivers tell.</summary>
    private static bool IsCounted(LivePort port, int group) => group == KernelDropProgram.Sent ? port is PacketSocketPort : group == KernelDropProgram.AtTap || port is not TcPort;

    private static bool Belongs(LivePort port, ref KernelDrop drop)
    {
        switch (port)
        {
            case PacketSocketPort:
                // The host's stack has a copy of each frame, of which it makes what it wants.
                return !drop.IsReceived || drop.Reason == SocketFull;
            case TapPort:
                // What the host sends is what the switch receives; what the host receives is its own business.
                if (drop.IsReceived) return false;
                drop = drop with { IsReceived = true, IsCounted = true };
                return true;
            default:
                // Rules that drop in the kernel count themselves.
                return !(drop.IsReceived && drop.Reason == Rules && port.ByKernel is not null);
        }
    }

    private string NameOf(int reason) => reason switch
    {
        KernelDropProgram.XdpException => "XDP_EXCEPTION",
        KernelDropProgram.XdpRedirect => "XDP_REDIRECT",
        KernelDropProgram.XdpTransmit => "XDP_TRANSMIT",
        KernelDropProgram.Other => "OTHER",
        _ => !_names.TryGetValue(reason, out string? name) ? reason.ToString(CultureInfo.InvariantCulture) : name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name,
    };

    private void Attach(string tracepoint, BpfInstruction[] code)
    {
        BpfProgram program = BpfProgram.Load(BpfProgramType.RawTracepoint, code, "mf_drops");
        _open.Add(program);
        _open.Add(new BpfRawTracepoint(program, tracepoint));
    }

    /// <summary>Read once: some megabytes.</summary>
    private static (KernelDropOffsets Offsets, IReadOnlyDictionary<int, string> Names) Kernel()
    {
        lock (s_kernelLock)
        {
            if (s_kernel is { } known) return known;
            KernelTypes types = KernelTypes.Read();
            (KernelDropOffsets, IReadOnlyDictionary<int, string>) read = (KernelDropOffsets.Of(types), types.NamesOf("skb_drop_reason"));
            s_kernel = read;
            return read;
        }
    }

    private static uint NamespaceNumber()
    {
        string target = new FileInfo("/proc/thread-self/ns/net").LinkTarget ?? "";
        int from = target.IndexOf('[', StringComparison.Ordinal) + 1;
        return from > 0 && uint.TryParse(target.AsSpan(from, target.Length - from - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : throw new IOException("/proc/thread-self/ns/net cannot be read");
    }
}
