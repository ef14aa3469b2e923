using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The kernel's device and the emulated one with the same rules: a frame that the kernel takes leaves it as it leaves the other one, and both count it.</summary>
internal sealed class KernelBench : IDisposable
{
    private const int Pass = 2, Redirect = 4, Drop = 1;
    private const int TcNext = -1, TcRedirect = 7, TcDrop = 2;
    private const int LoopbackIndex = 1;

    private readonly NicCompletion[] _completions = new NicCompletion[256];
    private readonly NicBench _model;
    private readonly Dictionary<NicHandle, NicHandle> _modelHandles = [];
    private readonly bool _isTc;
    private readonly byte[] _output = new byte[70_000];
    private long _nowNs = 1000;

    public KernelBench(bool isTc = false, int rules = 1000, uint port = 1)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        NicProfile profile = NicProfile.Load("kernel") with { ExactMatchEntries = rules };
        Kernel = new KernelNic(profile, isTc ? BpfAttachPoint.TcxIngress : BpfAttachPoint.Xdp, seed: 7);
        _isTc = isTc;
        _model = new NicBench(profile);
        InPort = port;
        Kernel.AddPort(new KernelPortOptions { Number = port, Interface = LoopbackIndex, MtuBytes = 1500 });
        for (uint other = 2; other < 10; other++) Kernel.AddPort(new KernelPortOptions { Number = other, Interface = 100 + (int)other, MtuBytes = 1500 });
    }

    public KernelNic Kernel { get; }

    public uint InPort { get; }

    public long Hits { get; private set; }

    public NicHandle Create(FlowItem[] pattern, params FlowAction[] actions)
    {
        NicHandle handle = TryCreate(new FlowRule(new FlowAttr(InPort, FlowTable.ExactMatch), pattern, [new FlowActionCount(), .. actions]), out FlowError? error);
        Assert.True(error is null, error?.Message);
        return handle;
    }

    public NicHandle TryCreate(FlowRule rule, out FlowError? error)
    {
        Assert.True(Kernel.EnqueueCreate(rule, 5, _nowNs, out NicHandle handle));
        Assert.Equal(1, Kernel.Poll(_completions, _nowNs));
        error = _completions[0].Error;
        if (error is null) _modelHandles[handle] = _model.Create(rule);
        return handle;
    }

    public NicCounters Destroy(NicHandle handle)
    {
        Assert.True(Kernel.EnqueueDestroy(handle, 5, _nowNs));
        Assert.Equal(1, Kernel.Poll(_completions, _nowNs));
        Assert.Null(_completions[0].Error);
        NicCounters model = _model.Destroy(_modelHandles[handle]);
        Assert.Equal((model.Hits, model.Bytes), (_completions[0].Counters.Hits, _completions[0].Counters.Bytes));
        return _completions[0].Counters;
    }

    /// <summary>Null on a miss (after checking that the frame was left alone), else what left: nothing for a drop. What the emulated device would miss must be a miss.</summary>
    /// <param name="isWhole">Nothing is wrong with the frame: what the emulated device would take, the kernel must take.</param>
    public byte[]? Receive(byte[] frame, bool isWhole = false)
    {
        _nowNs += 1000;
        BpfRun run = Kernel.TestRun(frame, _output);
        byte[] result = _output[..run.LengthBytes];
        if (run.Result == (_isTc ? TcNext : Pass))
        {
            Assert.Equal(frame, result);
            if (isWhole) Assert.True(_model.Receive(frame, InPort) is null, "the kernel left what the other device takes");
            return null;
        }

        List<(uint Port, byte[] Frame)>? expected = _model.Receive(frame, InPort);
        Assert.True(expected is not null, "the kernel took what the other device would not");
        Hits++;
        if (run.Result == (_isTc ? TcDrop : Drop))
        {
            Assert.Empty(expected);
            return [];
        }

        Assert.Equal(_isTc ? TcRedirect : Redirect, run.Result);
        Assert.Equal(Convert.ToHexString(Assert.Single(expected).Frame), Convert.ToHexString(result));
        return result;
    }

    /// <summary>Both devices have counted the same for a rule.</summary>
    public NicCounters CountersOf(NicHandle handle)
    {
        Assert.Null(Kernel.Query(handle, _nowNs, out NicCounters kernel));
        Assert.Null(_model.Nic.Query(_modelHandles[handle], 0, out NicCounters model));
        Assert.Equal((model.Hits, model.Bytes), (kernel.Hits, kernel.Bytes));
        return kernel;
    }

    public void Dispose()
    {
        Kernel.Dispose();
        _model.Dispose();
    }
}
