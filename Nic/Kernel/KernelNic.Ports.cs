using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <content>The program and the interfaces that it is on.</content>
public sealed partial class KernelNic
{
    private readonly Dictionary<uint, KernelPort> _ports = [];
    private BpfProgram? _program;

    /// <summary>The program as it is now; empty before there is a rule or a port.</summary>
    public IReadOnlyList<BpfInstruction> Program { get; private set; }

    /// <summary>Frames that come in by an interface are those of a port, and rules may send to it.</summary>
    /// <param name="port">Number of the port, below 1024.</param>
    /// <param name="interfaceIndex">Its interface.</param>
    /// <param name="mtuBytes">Longer packets than that behind the Ethernet header are left to software.</param>
    /// <param name="attaches">Whether the program is put on the interface; else it is only known.</param>
    /// <exception cref="ArgumentException">The number is too large, or another interface shares its place.</exception>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void AddPort(uint port, int interfaceIndex, int mtuBytes, bool attaches)
    {
        if (port >= KernelLayout.PortCount) throw new ArgumentException($"port {port}: the kernel's table has ports 0 to {KernelLayout.PortCount - 1}", nameof(port));
        RemovePort(port);
        Span<byte> device = _memory.Control.Span.Slice(KernelLayout.Devices + (8 * (interfaceIndex & (KernelLayout.DeviceCount - 1))), 8);
        if (BinaryPrimitives.ReadInt32LittleEndian(device) is not 0) throw new ArgumentException($"interface {interfaceIndex} shares its place with another one", nameof(interfaceIndex));
        BpfLink? link = null;
        if (attaches)
        {
            if (_program is null && Swap() is { } refused) throw new IOException(refused.Message);
            link = new BpfLink(_program!, interfaceIndex, BpfAttachPoint.Xdp);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(device[4..], port);
        BinaryPrimitives.WriteInt32LittleEndian(device, interfaceIndex);
        Span<byte> place = PlaceOf(port);
        const int headerAndTagBytes = 18;
        BinaryPrimitives.WriteInt32LittleEndian(place[KernelLayout.PortMaxFrame..], mtuBytes + headerAndTagBytes);
        BinaryPrimitives.WriteInt32LittleEndian(place, interfaceIndex);
        _ports[port] = new KernelPort(interfaceIndex, link);
    }

    /// <summary>The port is no longer there: frames that rules send to it are software's. On return no frame goes there.</summary>
    public void RemovePort(uint port)
    {
        if (!_ports.Remove(port, out KernelPort gone)) return;
        PlaceOf(port).Clear();
        _memory.Control.Span.Slice(KernelLayout.Devices + (8 * (gone.InterfaceIndex & (KernelLayout.DeviceCount - 1))), 8).Clear();
        gone.Attachment?.Dispose();
        _table.Quiesce();
    }

    /// <summary>Runs the program on a frame as if it had come in by interface 1, loopback: what it returns (<c>XDP_PASS</c> 2 for a miss, <c>XDP_REDIRECT</c> 4, <c>XDP_DROP</c> 1), and the frame behind it.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public BpfRun TestRun(ReadOnlySpan<byte> frame, Span<byte> output, int repeat = 1)
    {
        if (_program is null && Swap() is { } refused) throw new IOException(refused.Message);
        return _program!.TestRun(frame, output, repeat: repeat);
    }

    /// <summary>The mask's template; null if there is no room for one more.</summary>
    private KernelTemplate? TemplateOf(CompiledRule rule, ref bool isNew)
    {
        if (_templates.Find(t => t.Table == rule.Table && t.Mask.Bytes.SequenceEqual(rule.Mask.Bytes)) is { } known) return known;
        if (_templates.Count >= Profile.ExactMatchTemplates)
        {
            int unused = _templates.FindIndex(static t => t.RuleCount == 0);
            if (unused < 0) return null;
            _templates.RemoveAt(unused);
        }

        KernelTemplate template = new(ref rule.Mask, rule.Table, _seed + (0x9e37_79b9_7f4a_7c15 * ++_templateCounter));
        _templates.Add(template);
        _templates.Sort(static (a, b) => b.Table.CompareTo(a.Table));
        isNew = true;
        return template;
    }

    /// <summary>Writes the program for the templates and puts it in the place of the one before, on all ports.</summary>
    private FlowError? Swap()
    {
        BpfInstruction[] code = KernelProgram.Write(_memory, [.. _templates]);
        BpfProgram next;
        try
        {
            next = BpfProgram.Load(BpfProgramType.Xdp, code, "mergeflow", BpfProgram.HasFragments);
        }
        catch (BpfException e)
        {
            return new FlowError(FlowErrno.Io, FlowErrorType.Unspecified, $"the kernel refuses the program: {e.Message}: {LastLine(e.VerifierLog)}");
        }

        foreach (KernelPort port in _ports.Values) port.Attachment?.Update(next);
        _program?.Dispose();
        _program = next;
        Program = code;
        return null;
    }

    private Span<byte> PlaceOf(uint port) => _memory.Control.Span.Slice(KernelLayout.Ports + (KernelLayout.PortBytes * (int)port), KernelLayout.PortBytes);

    private static string LastLine(string? log)
    {
        string[] lines = (log ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(" / ", lines.TakeLast(4));
    }

    private readonly record struct KernelPort(int InterfaceIndex, BpfLink? Attachment);
}
