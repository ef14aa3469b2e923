using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The real program and a table without anybody else: a rule that comes and goes, and one behind it for what it does not take, so that each datagram from <see cref="Source"/> is counted once. Skips the test without root.
/// </summary>
internal sealed class RevocationBench : IDisposable
{
    /// <summary>UDP source port of the rule that comes and goes.</summary>
    public const ushort Source = 1;

    private const uint Port = 1;

    private readonly KernelMemory _memory;
    private readonly KernelTable _table;
    private readonly KernelTemplate _first;
    private readonly CompiledRule _rule;
    private readonly KernelActions _actions;
    private readonly uint _behind;
    private uint _turn;

    /// <summary>The rule is not there yet.</summary>
    /// <param name="device">Interface index that the frames come in by.</param>
    /// <param name="waits">The control does not: whoever revokes takes the counters while the program may be inside.</param>
    public RevocationBench(int device, bool waits)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        _memory = new KernelMemory(15);
        _table = waits ? _memory.NewTable() : _memory.NewTable(0);
        _table.SetMatching(true);
        (_rule, _actions) = Compile(new FlowItemUdp { Src = Source });
        (CompiledRule last, _) = Compile(new FlowItemUdp());
        _first = new KernelTemplate(ref _rule.Mask, FlowTable.ExactMatch, 1);
        KernelTemplate behind = new(ref last.Mask, FlowTable.Wildcard, 2);
        _behind = _table.Insert(behind, ref last.Value, _actions, 0, out _);
        int at = KernelLayout.Devices + (8 * (device & (KernelLayout.DeviceCount - 1)));
        BitConverter.TryWriteBytes(_memory.Control.Span[at..], device);
        BitConverter.TryWriteBytes(_memory.Control.Span[(at + 4)..], Port);
        Program = BpfProgram.Load(BpfProgramType.Xdp, KernelProgram.Write(_memory, [_first, behind]), "revocation");
    }

    public BpfProgram Program { get; }

    /// <summary>Packets that the rule behind has taken.</summary>
    public long Behind
    {
        get
        {
            _table.Read(_behind, out ulong packets, out _, out _);
            return (long)packets;
        }
    }

    /// <summary>A rule that drops what it counts.</summary>
    public static FlowRule Rule(FlowItemUdp udp) => new(new FlowAttr(Port, FlowTable.ExactMatch), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), udp], [new FlowActionCount(), new FlowActionDrop()]);

    /// <summary>Installs the rule, revokes it, waits and takes its counters: the packets that it has counted.</summary>
    public long Cycle()
    {
        uint slot = _table.Insert(_first, ref _rule.Value, _actions, 0, out _);
        if (slot == 0) throw new InvalidOperationException("no room");

        // Most rules live for a moment, some long enough for several frames.
        if ((++_turn & 7) == 0) Thread.SpinWait(20);
        _table.Kill(slot);
        _table.Quiesce();
        _table.Read(slot, out ulong packets, out _, out _);
        _table.Remove(slot, _first.HashOf(ref _rule.Value));
        return (long)packets;
    }

    public void Dispose()
    {
        Program.Dispose();
        _memory.Dispose();
    }

    private static (CompiledRule Rule, KernelActions Actions) Compile(FlowItemUdp udp)
    {
        Assert.Null(FlowRuleCompiler.TryCompile(NicProfile.Load("kernel"), Rule(udp), out CompiledRule? compiled));
        Assert.Null(KernelActions.TryCompile(compiled!, out KernelActions? actions));
        return (compiled!, actions!);
    }
}
