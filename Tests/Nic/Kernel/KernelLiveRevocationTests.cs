using System.Diagnostics;
using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The program on a veth whose other end sends all the time: 10,000 rules revoked at once, and one that is revoked, harvested and installed again. More of it by <c>MERGEFLOW_LIVE_CYCLES</c> (cycles, and a
/// thousandth of that many revocations of all rules).
/// </summary>
public sealed class KernelLiveRevocationTests(ITestOutputHelper output)
{
    private const int Rules = 10_000;
    private const int FramesBehind = 300;
    private const int FramesOfAPlay = 2000;
    private const byte Gate = 3;

    private static readonly long s_cycles = long.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_LIVE_CYCLES"), out long n) && n > 0 ? n : 50_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_frame_goes_by_ten_thousand_rules_behind_their_revocation(bool isTc)
    {
        if (Environment.ProcessorCount < 2) Assert.Skip("needs two processors");
        using LiveLab lab = new();
        using Traffic traffic = new(lab, Rules);
        using KernelNic nic = new(NicProfile.Load("kernel") with { ExactMatchEntries = 2 * Rules }, isTc ? BpfAttachPoint.TcxIngress : BpfAttachPoint.Xdp, seed: 5);
        NicCompletion[] done = new NicCompletion[256];
        nic.AddPort(new KernelPortOptions { Number = 1, Interface = NetDevice.IndexOf(traffic.Here), MtuBytes = 1500, Attaches = true });
        for (int i = 0; i < Rules; i++)
        {
            Assert.True(nic.EnqueueCreate(RevocationBench.Rule(new FlowItemUdp { Src = (ushort)(1 + i) }), (ulong)i, 1, Gate, out _));
            while (nic.Poll(done, 1) > 0) ;
        }

        Assert.Equal(Rules, nic.RuleCount);
        traffic.Begin();
        List<double> acknowledgedUs = [];
        int rounds = (int)Math.Max(20, s_cycles / 1000);
        for (int round = 0; round < rounds; round++)
        {
            ulong before = nic.Total().RxPackets;
            traffic.Pass(FramesBehind);
            Assert.True(nic.Total().RxPackets > before, "rules that nobody uses");
            long begin = Stopwatch.GetTimestamp();
            nic.SetGate(Gate, isOpen: false);
            nic.WaitForUsers();
            acknowledgedUs.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
            ulong acknowledged = nic.Total().RxPackets;
            traffic.Pass(FramesBehind);
            Assert.Equal(acknowledged, nic.Total().RxPackets);
            nic.SetGate(Gate, isOpen: true);
        }

        acknowledgedUs.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(isTc ? "tc" : "XDP")}: {Rules} rules revoked {rounds} times under traffic, acknowledged us p50 {At(0.5):F1} p99 {At(0.99):F1} max {acknowledgedUs[^1]:F1}; {traffic.Sent} frames sent, {nic.Total().RxPackets} by rules, 0 behind an acknowledgement"));

        double At(double part) => acknowledgedUs[(int)(part * (acknowledgedUs.Count - 1))];
    }

    [Fact]
    public void No_count_is_lost_when_a_rule_on_a_port_is_revoked_and_installed_again()
    {
        using LiveLab lab = new();
        using Bench bench = new(lab, waits: true);
        (long frames, long counted, long cycles) = bench.Play(s_cycles);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cycles} cycles under traffic, {frames} frames, {frames - counted} lost"));
        Assert.Equal(frames, counted);
        Assert.InRange(frames, 1000, long.MaxValue);
    }

    /// <summary>The control: whoever does not wait loses counts, and the sum tells.</summary>
    [Fact]
    public void A_harvest_on_a_port_that_does_not_wait_is_caught()
    {
        if (Environment.ProcessorCount < 2) Assert.Skip("needs two processors");
        using LiveLab lab = new();
        using Bench bench = new(lab, waits: false);
        long frames = 0, counted = 0, cycles = 0;
        for (int turn = 0; turn < 400 && frames == counted; turn++) (frames, counted, cycles) = bench.Play(50_000);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cycles} cycles under traffic, {frames} frames, {frames - counted} lost"));
        Assert.NotEqual(frames, counted);
    }

    /// <summary>Datagrams from so many ports out of a host's veth, as fast as a thread can send them.</summary>
    private sealed class Traffic : IDisposable
    {
        private readonly PacketSocket _socket;
        private readonly byte[] _frames;
        private readonly int _frameBytes;
        private Thread? _thread;
        private bool _end;
        private long _sent;

        public Traffic(LiveLab lab, int ports)
        {
            Here = lab.AddHost("a", []);
            lab.Must("a", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
            _socket = lab.In("a", static () => PacketSocket.Receiver(NetDevice.IndexOf("eth0"), 1 << 16));
            byte[][] frames = [.. Enumerable.Range(1, Math.Max(ports, MessageBatch.MaxCount)).Select(p => NicFrame.UdpIpv4(src: (ushort)(1 + (p % ports))))];
            (_frameBytes, _frames) = (frames[0].Length, [.. frames.SelectMany(static f => f)]);
        }

        /// <summary>The device here that they come in by.</summary>
        public string Here { get; }

        public long Sent => Volatile.Read(ref _sent);

        /// <summary>Frames that have come in by the device: the driver counts those that it gives the program.</summary>
        public long Came => long.Parse(File.ReadAllText($"/sys/class/net/{Here}/statistics/rx_packets"), CultureInfo.InvariantCulture);

        public void Begin()
        {
            Volatile.Write(ref _end, false);
            _thread = new Thread(Run);
            _thread.Start();
        }

        /// <summary>Until so many more frames have been sent.</summary>
        public void Pass(int frames)
        {
            long until = Sent + frames;
            LiveLab.WaitFor(() => Sent >= until, "frames");
        }

        /// <summary>No more come, and those that have been sent have come in.</summary>
        public void End()
        {
            Volatile.Write(ref _end, true);
            _thread?.Join();
            long before = -1;
            LiveLab.WaitFor(
                () =>
                {
                    (long last, before) = (before, Came);
                    Thread.Sleep(20);
                    return last == Came;
                },
                "the last frame");
        }

        public void Dispose()
        {
            End();
            _socket.Dispose();
        }

        private void Run()
        {
            using MessageBatch batch = new();
            int at = 0;
            while (!Volatile.Read(ref _end))
            {
                // What a full ring does not take is not sent.
                Volatile.Write(ref _sent, _sent + _socket.TrySend(_frames.AsSpan(at), _frameBytes, batch));
                at += MessageBatch.MaxCount * _frameBytes;
                if (at >= _frames.Length) at = 0;
            }
        }
    }

    /// <summary>The real program on a device.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly RevocationBench _bench;
        private readonly BpfLink _link;
        private readonly Traffic _traffic;
        private long _harvested, _cycles, _frames;

        public Bench(LiveLab lab, bool waits)
        {
            _traffic = new Traffic(lab, 1);
            int device = NetDevice.IndexOf(_traffic.Here);
            _bench = new RevocationBench(device, waits);
            _link = new BpfLink(_bench.Program, device, BpfAttachPoint.Xdp, BpfLink.XdpNative);
        }

        public (long Frames, long Counted, long Cycles) Play(long cycles)
        {
            long before = _traffic.Came;
            _traffic.Begin();
            long frames = _traffic.Sent + FramesOfAPlay;
            for (long end = _cycles + cycles; _cycles < end || _traffic.Sent < frames; _cycles++) _harvested += _bench.Cycle();
            _traffic.End();
            _frames += _traffic.Came - before;
            return (_frames, _harvested + _bench.Behind, _cycles);
        }

        public void Dispose()
        {
            _traffic.Dispose();
            _link.Dispose();
            _bench.Dispose();
        }
    }
}
