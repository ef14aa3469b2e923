using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// A datapath with a device, driven by its pollers: a rule with an idle timeout lives as long as traffic that only the device sees, and ends with it.
/// The pollers of the device run on a thread or between the batches; all go by one clock, and a round is over when each has stepped in it.
/// </summary>
public sealed class PolledIdleTimeoutTests
{
    private const int StepMs = 100, TimeoutMs = 2000;

    [Theory]
    [InlineData(OffloadMode.Soft, false)]
    [InlineData(OffloadMode.Soft, true)]
    [InlineData(OffloadMode.Nic, false)]
    [InlineData(OffloadMode.Nic, true)]
    public void A_rule_lives_as_long_as_merged_traffic(OffloadMode mode, bool onThread)
    {
        using var bed = new Bed(mode, onThread);
        bed.Warm();
        ulong software = bed.SoftwarePackets, device = bed.DevicePackets;
        for (int ms = 0; ms < 10 * TimeoutMs; ms += StepMs)
        {
            bed.Round(traffic: true);
            Assert.Equal(2, bed.RuleCount);
        }

        // All of it was the device's.
        Assert.Equal((software, device + (10 * TimeoutMs / StepMs)), (bed.SoftwarePackets, bed.DevicePackets));
        for (int ms = 0; ms < TimeoutMs / 2; ms += StepMs) bed.Round(traffic: false);
        Assert.Equal(2, bed.RuleCount);
        for (int ms = 0; ms < TimeoutMs; ms += StepMs) bed.Round(traffic: false);
        Assert.Equal(1, bed.RuleCount);
    }

    /// <summary>The same, with nobody who reads the device: the rule ends under traffic, which is what the test above must see.</summary>
    [Theory]
    [InlineData(OffloadMode.Soft, false)]
    [InlineData(OffloadMode.Soft, true)]
    [InlineData(OffloadMode.Nic, false)]
    [InlineData(OffloadMode.Nic, true)]
    public void A_rule_whose_device_nobody_reads_dies_under_traffic(OffloadMode mode, bool onThread)
    {
        using var bed = new Bed(mode, onThread, readsDevice: false);
        bed.Warm();
        int ms = 0;
        for (; ms < 10 * TimeoutMs && bed.RuleCount == 2; ms += StepMs) bed.Round(traffic: true);
        Assert.Equal(1, bed.RuleCount);
        Assert.InRange(ms, TimeoutMs - (2 * StepMs), TimeoutMs + (10 * StepMs));
    }

    private sealed class Bed : IDisposable
    {
        private readonly Engine.Runtime.Datapath _datapath;
        private readonly CaptureRxQueue _capture;
        private readonly NicFrontEnd? _nic;
        private readonly PmdPoller _poller;
        private readonly List<Clocked> _pollers;
        private readonly ThreadedRuntime? _runtime;
        private readonly QuiescentState.Reader? _packetThread;
        private long _nowMs = 1000;

        public Bed(OffloadMode mode, bool onThread, bool readsDevice = true)
        {
            _datapath = new Engine.Runtime.Datapath(
                new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], Offload = mode, MaxIdleMs = 100 * TimeoutMs, MaxRevalidatorMs = 100, FrameCapacityBytes = 256, PacketCapacity = 64, EmcEntryCount = 1024 },
                sink: null);
            _datapath.ApplyFlowMods(new FlowTextParser().ParseFlows($"priority=9,idle_timeout={TimeoutMs / 1000},udp,actions=output:2\npriority=1,actions=drop"), _nowMs);
            _capture = new CaptureRxQueue([Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2)], [1u], 1, verifyChecksums: true);
            RxQueue received = _capture;
            if (_datapath.Nic is { } nic)
            {
                _nic = new NicFrontEnd(nic, _datapath.Pmd.Ports, sink: null);
                received = new NicFilteredRxQueue(_capture, _nic, () => Volatile.Read(ref _nowMs));
            }

            _poller = new PmdPoller(_datapath.Pmd, [received]);
            _pollers = [new Clocked(_datapath.Offload!, this)];
            if (readsDevice) _pollers.Add(new Clocked(_datapath.Aging!, this));
            else _datapath.Revalidator.ReadDevice = null;
            if (!onThread) return;
            _packetThread = _datapath.PmdQuiescent.Register();
            _runtime = new ThreadedRuntime(IdleOptions.NeverSleeps);
            _runtime.Add("offload", null, [.. _pollers], _datapath.Quiescent.Register());
            _runtime.Start();
        }

        public int RuleCount => _datapath.Pipeline.RuleCount;

        /// <summary>Packets that were looked up in software.</summary>
        public ulong SoftwarePackets => _datapath.Pmd.Stats.Rx - _datapath.Pmd.Stats.MergedHits;

        /// <summary>Packets that merged rules carried out.</summary>
        public ulong DevicePackets => _datapath.Pmd.Stats.MergedHits + (_nic?.Stats.Hits ?? 0);

        /// <summary>Traffic until the device has it.</summary>
        public void Warm()
        {
            for (int i = 0; i < 20 && DevicePackets == 0; i++) Round(traffic: true);
            Assert.NotEqual(0ul, DevicePackets);
        }

        /// <summary>A packet if there is traffic, then each poller steps, and the clock goes on.</summary>
        public void Round(bool traffic)
        {
            long nowMs = _nowMs + StepMs;
            Volatile.Write(ref _nowMs, nowMs);
            if (traffic) _capture.Restart();
            while (_poller.Step(nowMs) > 0)
            {
                // Until it is through.
            }

            // A step that began before the packet may have missed it; the second after it has not.
            long[] until = [.. _pollers.Select(p => p.Steps + 2)];
            for (SpinWait spin = default; _pollers.Where((p, i) => p.Steps < until[i]).Any();)
            {
                _packetThread?.Announce();
                if (_runtime is null) foreach (Clocked p in _pollers) p.Step(nowMs);
                else spin.SpinOnce();
            }

            _datapath.Conntrack.Step(nowMs);
            _datapath.Revalidator.Step(nowMs);
        }

        public void Dispose()
        {
            _runtime?.Dispose();
            _poller.Dispose();
            _capture.Dispose();
            _datapath.Dispose();
        }

        /// <summary>A poller under the clock of the rounds.</summary>
        private sealed class Clocked(IPoller inner, Bed bed) : IPoller
        {
            private long _steps;

            public string Name => inner.Name;

            public long Steps => Volatile.Read(ref _steps);

            public int Step(long nowMs)
            {
                int done = inner.Step(Volatile.Read(ref bed._nowMs));
                Volatile.Write(ref _steps, _steps + 1);
                return done;
            }
        }
    }
}
