using Xunit;

namespace Mergeflow.Tests;

/// <summary>Port numbers of OpenFlow 1.0 and of later versions.</summary>
public sealed class OfPortsTests
{
    [Theory]
    [InlineData(5, true, 5)]
    [InlineData(0xfeff, true, 0xfeff)]
    [InlineData(0xff00, false, 0xffff)]
    [InlineData(0xfffe, false, 0xffff)]
    [InlineData(0x10005, false, 0xffff)]
    [InlineData(0xfffffeff, false, 0xffff)]
    [InlineData(0xffffff00, true, 0xff00)]
    [InlineData(0xfffffffe, true, 0xfffe)]
    public void A_number_of_32_bits_is_that_of_a_port_or_of_none(uint wide, bool isThere, uint port)
    {
        Assert.Equal(isThere, OfPorts.TryNarrow(wide, out uint narrow));
        Assert.Equal(port, narrow);
        if (isThere) Assert.Equal(wide, OfPorts.Widen(narrow));
    }
}
