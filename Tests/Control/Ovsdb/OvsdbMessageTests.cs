using System.Text;
using System.Text.Json;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Messages of OVSDB, as they stand in the socket.</summary>
public sealed class OvsdbMessageTests
{
    [Fact]
    public void Every_recorded_message_is_written_as_it_was_read()
    {
        Assert.True(RecordedOvsdb.Messages.Count > 600);
        foreach ((string _, int _, bool _, JsonElement json) in RecordedOvsdb.Messages)
        {
            byte[] written = OvsdbMessage.Parse(RecordedOvsdb.Bytes(json)).Write();
            Assert.True(JsonElement.DeepEquals(json, JsonElement.Parse(written)), json.GetRawText());
        }
    }

    [Theory]
    [InlineData("""{"id":1,"method":"echo"}""")]
    [InlineData("""{"id":1,"method":"echo","params":{}}""")]
    [InlineData("""{"id":1,"method":2,"params":[]}""")]
    [InlineData("""{"id":null,"result":{},"error":null}""")]
    [InlineData("""{"id":1,"result":{},"error":"no"}""")]
    [InlineData("""{"id":1,"method":"echo","params":[],"result":{}}""")]
    [InlineData("""{"id":1,"method":"echo","params":[],"more":{}}""")]
    [InlineData("""{"id":1,"method":"\ud800","params":[]}""")]
    [InlineData("""{"id":1""")]
    [InlineData("[]")]
    public void What_is_no_message_is_refused_in_one_line(string text)
    {
        OvsdbException e = Assert.Throws<OvsdbException>(() => OvsdbMessage.Parse(Encoding.UTF8.GetBytes(text)));
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void What_is_no_UTF_8_is_refused()
    {
        byte[] bytes = """{"id":1,"method":"a","params":["x"]}"""u8.ToArray();
        bytes[^4] = 0xff;
        Assert.Throws<OvsdbException>(() => OvsdbMessage.Parse(bytes));
    }

    [Fact]
    public void Of_two_members_with_a_name_the_last_one_counts()
        => Assert.Equal("b", Assert.IsType<OvsdbNotification>(OvsdbMessage.Parse("""{"id":null,"method":"a","method":"b","params":[]}"""u8.ToArray())).Method);
}
