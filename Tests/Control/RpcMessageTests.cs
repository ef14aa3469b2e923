using System.Text;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Messages of JSON-RPC as <c>ovs-appctl</c> and the switch write them.</summary>
public sealed class RpcMessageTests
{
    [Fact]
    public void A_request_is_read_as_appctl_writes_it()
    {
        RpcRequest request = Assert.IsType<RpcRequest>(Parse("""{"id":0,"method":"dpctl/show","params":["-s"]}"""));
        Assert.Equal(("0", "dpctl/show"), (request.Id, request.Method));
        Assert.Equal(["-s"], request.Parameters);
        Assert.Equal("""{"id":0,"method":"dpctl/show","params":["-s"]}""", Encoding.UTF8.GetString(request.Write()));
    }

    [Fact]
    public void A_reply_is_written_as_the_recorded_switch_writes_it()
        => Assert.Equal("""{"id":0,"result":"ovs-vswitchd (Open vSwitch) 3.1.0\n","error":null}""", Encoding.UTF8.GetString(new RpcReply("0", "ovs-vswitchd (Open vSwitch) 3.1.0\n", null).Write()));

    [Theory]
    [InlineData("\"a\"")]
    [InlineData("[1,{\"x\":null}]")]
    [InlineData("1.5e3")]
    public void An_id_comes_back_as_it_came(string id)
    {
        RpcRequest request = Assert.IsType<RpcRequest>(Parse($$"""{"id":{{id}},"method":"m","params":[]}"""));
        Assert.StartsWith($"{{\"id\":{id},", Encoding.UTF8.GetString(new RpcReply(request.Id, "", null).Write()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"id":null,"method":"m","params":[]}""")]
    [InlineData("""{"method":"m","params":[]}""")]
    [InlineData("""{"id":0,"method":"m"}""")]
    [InlineData("""{"id":0,"method":7,"params":[]}""")]
    [InlineData("""{"id":0,"method":"m","params":{}}""")]
    [InlineData("""{"id":0,"method":"m","params":[],"more":1}""")]
    [InlineData("""{"id":0,"method":"m","params":[],"result":null}""")]
    [InlineData("""{"id":0,"result":null,"error":null}""")]
    [InlineData("""{"id":0,"result":"a","error":"b"}""")]
    [InlineData("""{"id":0,"method":"m","params":["\ud800"]}""")]
    [InlineData("""{"id":0,"method":"m","params":[},}""")]
    [InlineData("""{"id":0 "method"}""")]
    public void What_is_no_message_is_refused(string text) => Assert.Throws<UnixctlException>(() => Parse(text));

    [Fact]
    public void An_argument_that_is_no_string_is_seen() => Assert.Equal(["a", null], Assert.IsType<RpcRequest>(Parse("""{"id":0,"method":"m","params":["a",1]}""")).Parameters);

    [Fact]
    public void Bytes_that_are_no_text_are_refused() => Assert.Throws<UnixctlException>(() => RpcMessage.Parse(new byte[] { (byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}' }));

    private static RpcMessage Parse(string text) => RpcMessage.Parse(Encoding.UTF8.GetBytes(text));
}
