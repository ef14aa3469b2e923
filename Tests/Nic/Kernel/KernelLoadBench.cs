using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A <see cref="KernelNic"/> on a device, whose programs are held back, or refused, as a test wants.</summary>
internal sealed class KernelLoadBench : IDisposable
{
    private const int XdpDrop = 1, TcDrop = 2, LoopbackIndex = 1;

    private readonly LiveLab _lab = new();
    private readonly string _device;
    private readonly bool _isTc;
    private readonly ManualResetEventSlim _mayLoad = new(true);
    private readonly Dictionary<int, NicHandle> _handles = [];
    private readonly List<(NicOperation Operation, int Rule, bool IsDone)> _seen = [];
    private readonly NicCompletion[] _completions = new NicCompletion[16];
    private readonly byte[] _output = new byte[2000];
    private int _most = int.MaxValue;
    private BpfMap? _sockets;
    private BpfLink? _link;
    private int _broken;
    private int _free;

    public KernelLoadBench(bool isTc, int rules = 100, int depth = 100, bool isAside = true)
    {
        _device = _lab.AddHost("a", []);
        _isTc = isTc;
        Nic = new KernelNic(NicProfile.Load("kernel") with { ExactMatchEntries = rules, QueueDepth = depth }, isTc ? BpfAttachPoint.TcxIngress : BpfAttachPoint.Xdp, seed: 3) { LoadsAside = isAside };
        Nic.AddPort(new KernelPortOptions { Number = 1, Interface = LoopbackIndex, MtuBytes = 1500 });
        AddPort();
        Nic.Edit = Loaded;
    }

    public KernelNic Nic { get; }

    /// <summary>The port that the program is on; it is there from the beginning.</summary>
    public void AddPort() => Nic.AddPort(new KernelPortOptions { Number = 2, Interface = NetDevice.IndexOf(_device), MtuBytes = 1500, Attaches = true });

    public void RemovePort() => Nic.RemovePort(2);

    /// <summary>A port whose misses go to sockets, of which there are none.</summary>
    public void AddPortWithSockets()
    {
        _sockets = new BpfMap(BpfMapType.XskMap, 4, 4, 1, 0, "sockets");
        using BpfProgram program = BpfProgram.Load(BpfProgramType.Xdp, PortPrograms.ToSockets(_sockets.Descriptor), "sockets", BpfProgram.HasFragments);
        int index = NetDevice.IndexOf(_lab.AddHost("b", []));
        _link = new BpfLink(program, index, BpfAttachPoint.Xdp, BpfLink.XdpGeneric);
        Nic.AddPort(new KernelPortOptions { Number = 3, Interface = index, MtuBytes = 1500, Xdp = new KernelXdp(_link, _sockets.Descriptor) });
    }

    public void RemoveSockets()
    {
        Nic.RemovePort(3);
        _link!.Dispose();
        _sockets!.Dispose();
    }

    /// <summary>The kernel takes no program with more instructions than that, XDP's with those that send to sockets.</summary>
    public void LimitTo(int instructions) => Volatile.Write(ref _most, instructions);

    /// <summary>Programs are not verified until <see cref="Release"/>.</summary>
    public void Hold() => _mayLoad.Reset();

    public void Release() => _mayLoad.Set();

    /// <summary>The next program but the one that is held already is verified.</summary>
    public void LetNext()
    {
        Eventually.True(() => Volatile.Read(ref _held) > 0, "a program is held");
        Volatile.Write(ref _free, 1);
    }

    /// <summary>The kernel does not take the next so many programs.</summary>
    public void Break(int programs = int.MaxValue) => Volatile.Write(ref _broken, programs);

    public void Repair() => Break(programs: 0);

    public void Create(int rule, FlowItemUdp udp) => Assert.True(TryCreate(rule, udp));

    public bool TryCreate(int rule, FlowItemUdp udp)
    {
        if (!Nic.EnqueueCreate(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), udp], [new FlowActionCount(), new FlowActionDrop()]), (ulong)rule, 1, out NicHandle handle)) return false;
        _handles[rule] = handle;
        return true;
    }

    public void Destroy(int rule) => Assert.True(Nic.EnqueueDestroy(_handles[rule], (ulong)rule, 1));

    public (NicOperation Operation, int Rule, bool IsDone)[] Poll()
    {
        int count = Nic.Poll(_completions, 1);
        return [.. _completions.Take(count).Select(static c => (c.Operation, (int)c.UserData, c.Error is null))];
    }

    /// <summary>Waits for an answer.</summary>
    /// <param name="answer">To what, about which rule.</param>
    /// <param name="isDone">Whether it was carried out.</param>
    /// <param name="behindEach">Done behind each look.</param>
    public void Expect((NicOperation Operation, int Rule) answer, bool isDone = true, Action? behindEach = null)
    {
        Eventually.True(
            () =>
            {
                _seen.AddRange(Poll());
                behindEach?.Invoke();
                return _seen.Exists(s => (s.Operation, s.Rule) == answer);
            },
            $"{answer}");
        int at = _seen.FindIndex(s => (s.Operation, s.Rule) == answer);
        Assert.Equal(isDone, _seen[at].IsDone);
        _seen.RemoveAt(at);
    }

    public bool Takes(ushort src, ushort dst) => Nic.TestRun(NicFrame.UdpIpv4(src, dst), _output).Result == (_isTc ? TcDrop : XdpDrop);

    public void Dispose()
    {
        Release();
        Nic.Dispose();
        _mayLoad.Dispose();
        _lab.Dispose();
    }

    private int _held;

    private BpfInstruction[] Loaded(BpfInstruction[] code)
    {
        if (Interlocked.Exchange(ref _free, 0) == 0)
        {
            Interlocked.Increment(ref _held);
            _mayLoad.Wait();
            Interlocked.Decrement(ref _held);
        }

        if (code.Length > Volatile.Read(ref _most)) return [];
        if (Volatile.Read(ref _broken) == 0) return code;
        Interlocked.Decrement(ref _broken);
        return [];
    }
}
