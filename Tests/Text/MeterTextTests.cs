using Xunit;

namespace Mergeflow.Tests;

/// <summary>Meter lines, as <c>ovs-ofctl add-meter</c>, <c>mod-meter</c> and <c>del-meter</c> read them.</summary>
public sealed class MeterTextTests
{
    [Theory]
    [InlineData("meter=1 kbps burst bands=type=drop rate=1000 burst_size=100", "add meter=1 kbps burst bands= type=drop rate=1000 burst_size=100")]
    [InlineData("add meter=0x10,pktps,stats,bands=type=drop,rate=5", "add meter=16 pktps stats bands= type=drop rate=5")]
    [InlineData("mod meter=010 kbps band=type=drop rate=0x10,type=drop rate=010", "modify meter=8 kbps bands= type=drop rate=16 type=drop rate=8")]
    [InlineData("meter=4294901760 kbps bands=type=drop rate=4294967295", "add meter=4294901760 kbps bands= type=drop rate=4294967295")]
    [InlineData("del meter=7", "delete meter=7")]
    [InlineData("delete meter=all", "delete meter=all")]
    [InlineData("delete", "delete meter=all")]
    public void Is_read_and_printed(string line, string printed)
    {
        MeterMod meter = Assert.Single(FlowTextParser.ParseMeters(line));
        Assert.Equal(printed, FlowTextFormatter.Format(meter));
        Assert.Equal(meter, Assert.Single(FlowTextParser.ParseMeters(printed)));
    }

    [Theory]
    [InlineData("meter=1 kbps", 1, "must specify bands")]
    [InlineData("kbps bands=type=drop rate=1", 1, "must specify 'meter'")]
    [InlineData("meter=1 bands=type=drop rate=1", 1, "meter must specify either 'kbps' or 'pktps'")]
    [InlineData("meter=0 kbps bands=type=drop rate=1", 7, "invalid value for meter")]
    [InlineData("meter=4294901761 kbps bands=type=drop rate=1", 7, "invalid value for meter")]
    [InlineData("meter=x kbps bands=type=drop rate=1", 7, "invalid numeric format x")]
    [InlineData("meter=1 kbps bogus=1 bands=type=drop rate=1", 14, "unknown keyword bogus")]
    [InlineData("meter=1 kbps bands=", 20, "meter must have bands")]
    [InlineData("meter=1 kbps bands=rate=1", 20, "band must start with the 'type' keyword")]
    [InlineData("meter=1 kbps bands=type=police rate=1", 25, "field type unknown value police")]
    [InlineData("meter=1 kbps bands=type=drop", 25, "band must have 'rate'")]
    [InlineData("meter=1 kbps bands=type=drop rate=0", 25, "band must have 'rate'")]
    [InlineData("meter=1 kbps bands=type=drop rate", 30, "field rate missing value")]
    [InlineData("meter=1 kbps bands=type=drop rate=1 burst_size=5", 25, "band may have 'burst_size' only when 'burst' flag is set")]
    [InlineData("meter=1 kbps burst bands=type=drop rate=1", 31, "band must have 'burst_size' when 'burst' flag is set")]
    [InlineData("meter=1 kbps bands=type=drop rate=1 prec_level=1", 25, "Only 'dscp_remark' band may have 'prec_level'")]
    [InlineData("meter=1 kbps bands=type=drop rate=1 bogus=5", 37, "unknown keyword bogus")]
    [InlineData("del meter=1 kbps", 13, "field kbps missing value")]
    public void Is_refused(string line, int column, string message)
    {
        var e = Assert.Throws<FlowTextException>(() => FlowTextParser.ParseMeters("\n" + line));
        Assert.Equal((2, column, message), (e.Line, e.Column, e.Message));
    }

    [Theory]
    [InlineData("meter=1 kbps bands=type=dscp_remark rate=1 prec_level=1", "bands of type dscp_remark are not supported (OFPMMFC_BAD_BAND)")]
    [InlineData("meter=controller kbps bands=type=drop rate=1", "meter=controller: meters of upcalls are not supported")]
    [InlineData("meter=slowpath kbps bands=type=drop rate=1", "meter=slowpath: meters of upcalls are not supported")]
    public void Is_a_missing_feature(string line, string message)
        => Assert.Equal(message, Assert.Throws<UnsupportedFeatureException>(() => FlowTextParser.ParseMeters(line)).Message);
}
