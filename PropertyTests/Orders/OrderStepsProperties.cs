using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Every order of control returns after a bounded number of steps of each packet thread, whatever depends on it, and on its return no frame goes by what it revoked: 1, 2 and 4 packet threads
/// that are stepped in an order which a seed draws, megaflows that may still be in doubt from the order before. As many orders per case as <c>MERGEFLOW_ORDERS</c> says (300), with seeds from <c>MERGEFLOW_ORDERS_SEED</c> on.
/// </summary>
public sealed class OrderStepsProperties(ITestOutputHelper output)
{
    /// <summary>Megaflows that a slice looks at before it looks at the clock (<see cref="Slice"/>).</summary>
    private const int LeastOfSlice = 7;

    /// <summary>Connections that a packet thread looks at in a step, where it alone may (<c>Datapath.SlotsPerCall</c>).</summary>
    private const int ConnectionsPerStep = 256;
    private const int Connections = 1024;

    [Theory]
    [InlineData(OffloadMode.None, 1, 0)]
    [InlineData(OffloadMode.None, 2, 0)]
    [InlineData(OffloadMode.None, 4, 0)]
    [InlineData(OffloadMode.None, 4, 2)]
    [InlineData(OffloadMode.Soft, 1, 0)]
    [InlineData(OffloadMode.Soft, 2, 0)]
    [InlineData(OffloadMode.Soft, 4, 0)]
    [InlineData(OffloadMode.Nic, 2, 0)]
    [InlineData(OffloadMode.Nic, 4, 0)]
    public void An_order_takes_each_packet_thread_a_bounded_number_of_steps(OffloadMode offload, int pmds, int handlers)
    {
        int seed = Number("MERGEFLOW_ORDERS_SEED", 1), orders = Number("MERGEFLOW_ORDERS", 300);
        var chance = new Chance(seed);
        Dictionary<string, int> most = [];
        using OrdersBench bench = new(seed, pmds, offload, handlers);
        for (int i = 0; i < orders; i++)
        {
            string kind = chance.Of(OrdersBench.Kinds);
            int steps = bench.Give(kind), bound = BoundOf(kind, offload, pmds, bench.HighWater);
            Assert.True(steps <= bound, $"order {i}, '{kind}', took {steps} steps of a packet thread, not {bound} at most");
            most[kind] = Math.Max(most.GetValueOrDefault(kind), steps);
        }

        output.WriteLine($"{offload}, {pmds} packet threads, {handlers} handlers, seed {seed}, {orders} orders: most steps of a packet thread per order: {string.Join(", ", most.OrderBy(static m => m.Key, StringComparer.Ordinal).Select(static m => $"{m.Key} {m.Value}"))}; {bench.Reached.InDoubt} orders while megaflows were in doubt, {bench.Reached.Merged} packets by merged rules");
        Assert.True(offload == OffloadMode.Nic || bench.Reached.InDoubt > 0, "no order came while megaflows were in doubt");
        Assert.True(offload == OffloadMode.None || bench.Reached.Merged > 0, "no packet went by a merged rule");
    }

    /// <summary>One step where something is revoked, whatever depends on it. What is counted and what a single thread has of connections is walked through in slices.</summary>
    private static int BoundOf(string kind, OffloadMode offload, int pmds, int highWater) => kind switch
    {
        // A device without gates goes on using rules: all that is in doubt is looked at first, and a slice looks at one megaflow at least.
        not "settle" and not "flush" when offload == OffloadMode.Nic => 2 + highWater,
        "settle" => 1 + (highWater / LeastOfSlice),
        "flush" => pmds == 1 ? 1 + (Connections / ConnectionsPerStep) : 0,
        _ => 1,
    };

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
