using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A kernel's table without traffic, of which port 1 is the loopback interface: frames go through its program one by one, by test runs. Skips the test without root.</summary>
internal sealed class KernelTunnelBench : IDisposable
{
    private readonly NicCompletion[] _done = new NicCompletion[4];
    private readonly byte[] _buffer = new byte[4096];
    private readonly bool _isTc;

    public KernelTunnelBench(bool isTc)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        _isTc = isTc;
        Nic = new KernelNic(NicProfile.Load("kernel") with { ExactMatchEntries = 1000 }, isTc ? BpfAttachPoint.TcxIngress : BpfAttachPoint.Xdp, seed: 7);
        for (uint port = 1; port < 4; port++) Nic.AddPort(new KernelPortOptions { Number = port, Interface = port == 1 ? 1 : 100 + (int)port, MtuBytes = 1500 });
    }

    public KernelNic Nic { get; }

    /// <summary>The rule for Geneve outside, whose packets come in by port 9.</summary>
    public NicHandle AddOutside()
        => Add(1, [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Proto = 17, Dst = 0xc000_0201 }, new FlowItemUdp { Dst = 6081 }], new FlowActionTunnelDecap(9, FlowTunnelType.Geneve) { OptionClass = 0x102, OptionType = 0x80, OptionBytes = 4 });

    public NicHandle Add(uint port, FlowItem[] pattern, params FlowAction[] actions)
    {
        Assert.True(Nic.EnqueueCreate(new FlowRule(new FlowAttr(port), pattern, [new FlowActionCount(), .. actions]), 5, 1, out NicHandle handle));
        Assert.Equal(1, Nic.Poll(_done, 1));
        Assert.True(_done[0].Error is null, _done[0].Error?.Message);
        return handle;
    }

    public void Destroy(NicHandle handle)
    {
        Assert.True(Nic.EnqueueDestroy(handle, 5, 1));
        Assert.Equal(1, Nic.Poll(_done, 1));
        Assert.Null(_done[0].Error);
    }

    public (ulong Hits, ulong Bytes) CountersOf(NicHandle handle)
    {
        Assert.Null(Nic.Query(handle, 1, out NicCounters counters));
        return (counters.Hits, counters.Bytes);
    }

    /// <summary>The frame is taken: what leaves.</summary>
    public byte[] Takes(byte[] frame)
    {
        BpfRun run = Nic.TestRun(frame, _buffer);
        Assert.True(run.Result == (_isTc ? 7 : 4), $"{run.Result}: {string.Join(", ", Enum.GetValues<KernelLeft>().Select(l => $"{l} {Nic.LeftFor(l)}"))}");
        return _buffer[..run.LengthBytes];
    }

    /// <summary>The program as it is now, once more: it stays as it is when the device gets another one.</summary>
    public BpfProgram Keep() => BpfProgram.Load(_isTc ? BpfProgramType.SchedCls : BpfProgramType.Xdp, [.. Nic.Program], "kept", _isTc ? 0 : BpfProgram.HasFragments);

    /// <summary>The frame is left to software as it came.</summary>
    /// <param name="frame">Comes in by port 1.</param>
    /// <param name="name">What is said of it if not.</param>
    /// <param name="by">A program that was kept; null = the one that is there.</param>
    public void Misses(byte[] frame, string name = "", BpfProgram? by = null)
    {
        BpfRun run = by?.TestRun(frame, _buffer) ?? Nic.TestRun(frame, _buffer);
        Assert.Equal((name, _isTc ? -1 : 2, Convert.ToHexString(frame)), (name, run.Result, Convert.ToHexString(_buffer[..run.LengthBytes])));
    }

    public void Dispose() => Nic.Dispose();
}
