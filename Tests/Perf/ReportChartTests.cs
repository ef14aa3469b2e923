using System.Xml.Linq;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ReportChartTests
{
    [Theory]
    [InlineData(0.3, 0.3)]
    [InlineData(30, 30)]
    [InlineData(17, 4012)]
    [InlineData(0.02, 99)]
    public void A_logarithmic_axis_holds_its_values(double min, double max)
    {
        ChartAxis axis = ChartAxis.Log(min, max, 100, 500);
        Assert.InRange(axis.At(min), 100 - 1e-6, 500);
        Assert.InRange(axis.At(max), 100, 500 + 1e-6);
        Assert.True(axis.Ticks.Count >= 2);
        Assert.Equal(100, axis.At(axis.Ticks[0]), 6);
        Assert.Equal(500, axis.At(axis.Ticks[^1]), 6);
    }

    [Theory]
    [InlineData(0.001)]
    [InlineData(1)]
    [InlineData(99.9)]
    [InlineData(100)]
    [InlineData(12_345)]
    public void A_linear_axis_begins_at_zero_and_holds_its_values(double max)
    {
        ChartAxis axis = ChartAxis.Linear(max, 10, 210);
        Assert.Equal(0, axis.Ticks[0]);
        Assert.InRange(axis.At(max), 10, 210 + 1e-6);
        Assert.InRange(axis.Ticks.Count, 2, 8);
    }

    [Fact]
    public void Charts_are_well_formed_and_stay_inside_their_frame()
    {
        ScenarioResult[] rows = [SampleResults.Row("a", 30, 31, 29), SampleResults.Row("a", 4000, 3900), SampleResults.Row("<b>", 100)];
        string[] charts =
        [
            RowChart.Spread(rows, "cycles", r => r.CyclesPerPacket, r => r.CyclesPerPacket, p => p.CyclesPerPacket.Median),
            RowChart.Spread([rows[0]], "cycles", r => r.CyclesPerPacket, r => r.CyclesPerPacket, p => p.CyclesPerPacket.Median),
            RowChart.Tiers(rows),
            RowChart.Occupancy([rows[0] with { Offload = "nic", NicProfile = "tiny", Nic = new NicOccupancy(4, 16, 2, 4, 0, 4) }, rows[1] with { Nic = new NicOccupancy(0, 0, 0, 0, 7, 7) }]),
            RowChart.Stages([rows[0] with { Stages = new StageResult([new("parse", 12), new("device", 900)], 912, 1000) }]),
        ];
        foreach (XElement svg in charts.SelectMany(c => XElement.Parse($"<x>{c}</x>").Elements()))
        {
            double[] box = [.. svg.Attribute("viewBox")!.Value.Split(' ').Select(double.Parse)];
            foreach (XElement e in svg.Elements())
            {
                double x = double.Parse((e.Attribute("x") ?? e.Attribute("cx") ?? e.Attribute("x1"))!.Value);
                double y = double.Parse((e.Attribute("y") ?? e.Attribute("cy") ?? e.Attribute("y1"))!.Value);
                Assert.InRange(x, 0, box[2]);
                Assert.InRange(y, 0, box[3]);
                if (e.Name == "rect") Assert.InRange(x + double.Parse(e.Attribute("width")!.Value), 0, box[2]);
            }
        }
    }

    /// <summary>A class selector outweighs an element selector: a line whose class also sets a fill would become an area.</summary>
    [Fact]
    public void Lines_are_not_filled()
    {
        string page = HtmlReport.Write(SampleResults.File(SampleResults.Row("a", 30) with { Ramp = [new RampPoint(1, 1e6, 0, 0), new RampPoint(2, 1e6, 90, 5)] }), null);
        Assert.Contains("<polyline class=\"series0\"", page);
        Assert.Contains("svg polyline[class] { fill: none;", page);
        Assert.DoesNotContain("svg polyline {", page);
    }

    [Fact]
    public void The_report_shows_the_tables_of_the_NIC_and_the_tiers_over_time()
    {
        ScenarioResult row = SampleResults.Row("a", 30) with
        {
            Offload = "nic",
            NicProfile = "tiny",
            Nic = new NicOccupancy(4, 16, 2, 4, 1, 4),
            Ramp = [new RampPoint(1, 1e6, 0, 0, new TierShares(0, 0, 80, 0, 20)), new RampPoint(2, 1e6, 90, 5, new TierShares(90, 0, 10, 0, 0))],
        };
        string page = HtmlReport.Write(SampleResults.File(row), null);
        Assert.Contains("nic, tiny: 4 of 16 exact-match rules", page, StringComparison.Ordinal);
        Assert.Contains("1 of 4 wildcard rows", page, StringComparison.Ordinal);
        Assert.Contains("Tiers over time: a", page, StringComparison.Ordinal);
        Assert.Contains("NIC: 2, 90.0", page, StringComparison.Ordinal);
        Assert.Contains("upcall: 1, 20.0", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_peer_stands_beside_its_row()
    {
        ScenarioResult row = SampleResults.Row("a", 30, 31) with { Peer = new PeerResult("peer 1.0", Spread.Of([2e6]), Spread.Of([900])) };
        string page = HtmlReport.Write(SampleResults.File(row), null);
        Assert.Contains("<i class=\"peer\"></i>peer 1.0", page);
        Assert.Contains("a: peer 1.0 900.0 cycles per packet", page);
        Assert.Contains("a: peer 1.0 2.00 Mpps", page);
    }
}
