using System.Buffers.Binary;
using System.Globalization;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Merged rules through tunnels: with them and without, a switch sends what <see cref="RefTunnels"/> says, whatever changes in between.</summary>
public sealed class TunnelMergeProperties(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_leaves_is_what_the_model_says(bool isTracked)
    {
        ulong hits = 0, frames = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            (ulong h, ulong f) = Play(seed, isTracked, static () => new TunnelBed(OffloadMode.Soft));
            (hits, frames) = (hits + h, frames + f);
        }

        output.WriteLine($"{frames} frames, {hits} by merged rules");

        // A run in which nothing was merged proves nothing.
        Assert.True(hits * 4 > frames, $"only {hits} of {frames} frames took a merged rule");
    }

    /// <summary>Frames of one seed: what leaves, without merged rules and with them, and at the end the counters. Returns how many there were, and how many took a merged rule.</summary>
    internal static (ulong Hits, ulong Frames) Play(int seed, bool isTracked, Func<TunnelBed> merged, bool mostlyOneOutput = false)
    {
        Random random = new(seed + (isTracked ? 1000 : 0));
        RefTunnels model = new(TunnelCases.Tunnels, TunnelCases.Own, TunnelCases.Below);
        using TunnelBed soft = merged(), none = new(OffloadMode.None);
        RefTunnelRule[] rules = TunnelCases.Rules(random, mostlyOneOutput);
        Apply(rules);
        (byte[] Inner, uint Port, bool IsBelow, RefTunnel? Tunnel, uint Key, uint? Option)[] flows = [.. Enumerable.Range(0, 8).Select(i => TunnelCases.Flow(random, i, isTracked))];
        ulong frames = 0;
        for (int i = 0; i < 400; i++)
        {
            if (random.Next(60) == 0) Apply(rules = TunnelCases.Rules(random, mostlyOneOutput));
            if (random.Next(80) == 0) Each(static b => b.Simulator.Datapath.FlushConntrack(null, 0));
            if (random.Next(80) == 0) Each(static b => b.Simulator.Datapath.PurgeMegaflows(0));
            var flow = flows[random.Next(flows.Length)];
            byte[] inner = (byte[])flow.Inner.Clone();

            // What is read of a packet differs sometimes within its flow, and so does the way back.
            if (random.Next(6) == 0) inner[14 + 1] = (byte)random.Next(256);
            if (random.Next(6) == 0) inner[14 + 8] = (byte)random.Next(1, 4);
            if (random.Next(2) == 0) TunnelCases.Reverse(inner);
            RefTunnels.FinishTransport(inner.AsSpan(14), random.Next(3) != 0);
            RefTunnels.FinishIp(inner.AsSpan(14));
            uint key = random.Next(10) == 0 ? flow.Key ^ 1 : flow.Key;
            uint? option = random.Next(10) == 0 ? flow.Option is null ? 5u : null : flow.Option;
            byte[] frame = flow.Tunnel is { } t
                ? RefTunnels.Encapsulate(t.IsGeneve, t.Remote, TunnelCases.Own, (byte)(random.Next(4) == 0 ? random.Next(4) : 0), key, t.IsGeneve ? option : null, random.Next(3) == 0, inner)
                : inner;
            uint port = flow.Tunnel is null ? flow.Port : TunnelCases.Below;
            string[] expected = [.. model.Forward(port, frame, rules)];
            string[] bySoft = soft.Send(port, frame, model), byNone = none.Send(port, frame, model);
            string context = $"seed {seed}, frame {i}, port {port}: {Convert.ToHexStringLower(frame)}";
            Assert.True(expected.SequenceEqual(byNone), $"{context}\nexpected {string.Join("\n         ", expected)}\nwithout  {string.Join("\n         ", byNone)}");
            // A test run shows the last frame that leaves, and where others go: as often as the program says.
            if (soft.IsByKernel)
            {
                Assert.True(bySoft.Length == 0 ? expected.Length == 0 : bySoft.Contains(expected[^1]), $"{context}\nexpected {string.Join("\n         ", expected)}\nkernel   {string.Join("\n         ", bySoft)}");
                Assert.Equal(expected.Select(PortOf).Order(), bySoft.Select(PortOf).Order());
                if (expected.Length > 0) Assert.Equal(Convert.ToHexString(none.Sent[^1].Frame), Convert.ToHexString(soft.Sent[0].Frame));
            }
            else
            {
                Assert.True(expected.SequenceEqual(bySoft), $"{context}\nexpected {string.Join("\n         ", expected)}\nmerged   {string.Join("\n         ", bySoft)}");
                Assert.Equal(none.Sent.Select(static s => Convert.ToHexString(s.Frame)), soft.Sent.Select(static s => Convert.ToHexString(s.Frame)));
            }

            frames++;
        }

        // Each packet is counted for the rules that handled it, whether by a merged rule or not.
        Assert.Equal(none.Counters(), soft.Counters());
        return (soft.Simulator.Report().OffloadHits, frames);

        static string PortOf(string told) => told.Split(':')[0];

        void Apply(RefTunnelRule[] to) => Each(b => b.Apply(to, isTracked));

        void Each(Action<TunnelBed> what)
        {
            what(soft);
            what(none);
        }
    }
}
