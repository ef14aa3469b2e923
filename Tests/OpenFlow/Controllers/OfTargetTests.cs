using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Where controllers are, as people write it.</summary>
public sealed class OfTargetTests
{
    [Theory]
    [InlineData("tcp:10.0.0.1", OfTransport.Tcp, false, "10.0.0.1", 6653)]
    [InlineData("tcp:10.0.0.1:6633", OfTransport.Tcp, false, "10.0.0.1", 6633)]
    [InlineData("tcp:[fe80::1]:6633", OfTransport.Tcp, false, "fe80::1", 6633)]
    [InlineData("tcp:[::1]", OfTransport.Tcp, false, "::1", 6653)]
    [InlineData("ssl:controller.example", OfTransport.Tls, false, "controller.example", 6653)]
    [InlineData("unix:/run/c.sock", OfTransport.Unix, false, "/run/c.sock", 0)]
    [InlineData("ptcp:", OfTransport.Tcp, true, "", 6653)]
    [InlineData("ptcp:0:127.0.0.1", OfTransport.Tcp, true, "127.0.0.1", 0)]
    [InlineData("pssl:6640:[::1]", OfTransport.Tls, true, "::1", 6640)]
    [InlineData("punix:/run/br0.controller", OfTransport.Unix, true, "/run/br0.controller", 0)]
    public void What_is_written_is_read(string text, OfTransport transport, bool isPassive, string address, int port)
    {
        OfTarget target = OfTarget.Parse(text);
        Assert.Equal((transport, isPassive, address, port), (target.Transport, target.IsPassive, target.Address, target.Port));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tcp")]
    [InlineData("tcp:")]
    [InlineData("tcp:host:0")]
    [InlineData("tcp:host:65536")]
    [InlineData("tcp:host:-1")]
    [InlineData("tcp:[::1")]
    [InlineData("tcp:[::1]6653")]
    [InlineData("udp:host")]
    [InlineData("ptcp:6653:nowhere")]
    [InlineData("ptcp:x")]
    [InlineData("punix:")]
    public void What_makes_no_sense_is_refused_in_one_line(string text)
    {
        FormatException refused = Assert.Throws<FormatException>(() => OfTarget.Parse(text));
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory]
    [InlineData(new string[0], 0b111_1110u)]
    [InlineData(new[] { "OpenFlow10", "OpenFlow13" }, 0b1_0010u)]
    [InlineData(new[] { "OpenFlow15" }, 0b100_0000u)]
    [InlineData(new[] { "OpenFlow16", "nonsense" }, 0b111_1110u)]
    public void Versions_have_names(string[] names, uint versions) => Assert.Equal(versions, OfControllerSettings.VersionsOf(names));
}
