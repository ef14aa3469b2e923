using System.Text;
using System.Text.Json;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a session says to servers of several ages.</summary>
public sealed class OvsdbSessionTests
{
    private const string Row = "00000000-0000-0000-0000-00000000000a";
    private const string Schema = """{"name":"D","tables":{"T":{"columns":{"name":{"type":"string"},"other":{"type":"string"}}}}}""";

    private readonly OvsdbReplica _replica = new([new OvsdbTable("T", [new("name", OvsdbType.One(OvsdbAtomType.String)), new("newer", OvsdbType.One(OvsdbAtomType.String))]), new OvsdbTable("Newer", [])]);
    private readonly OvsdbSession _session;

    public OvsdbSessionTests() => _session = new OvsdbSession(_replica, "D", "lock");

    [Fact]
    public void A_server_of_today_is_followed_from_where_one_was()
    {
        Begin();
        Assert.True(_session.HasLock);
        HaveServer(connected: true);
        Expect("monitor_cond_since", """["D",["monid","D"],{"T":[{"columns":["name"]}]},"00000000-0000-0000-0000-000000000000"]""", """[false,"11111111-0000-0000-0000-000000000000",{"T":{"ROW":{"initial":{"name":"a"}}}}]""");
        Expect("set_db_change_aware", "[true]", "{}");
        Assert.Equal(("monitor_cond_since", true), (_session.MonitorMethod, _session.IsSynchronized));
        Tell("update3", """[["monid","D"],"22222222-0000-0000-0000-000000000000",{"T":{"ROW":{"modify":{"name":"b"}}}}]""");
        Assert.Equal("b", Assert.Single(_replica.Rows("T")).Text("name"));

        // The next connection asks from there, and is told that nothing has happened.
        Begin();
        Assert.False(_session.IsSynchronized);
        HaveServer(connected: true);
        Expect("monitor_cond_since", """["D",["monid","D"],{"T":[{"columns":["name"]}]},"22222222-0000-0000-0000-000000000000"]""", """[true,"22222222-0000-0000-0000-000000000000",{}]""");
        Assert.Equal("b", Assert.Single(_replica.Rows("T")).Text("name"));
    }

    [Fact]
    public void A_server_without_the_newest_request_is_asked_for_older_ones()
    {
        Begin();
        HaveServer(connected: true);
        Refuse("monitor_cond_since");
        Expect("set_db_change_aware", "[true]", "{}");
        Expect("monitor_cond", """["D",["monid","D"],{"T":[{"columns":["name"]}]}]""", """{"T":{"ROW":{"initial":{"name":"a"}}}}""");
        Tell("update2", """[["monid","D"],{"T":{"ROW":{"modify":{"name":"b"}}}}]""");
        Assert.Equal(("monitor_cond", "b"), (_session.MonitorMethod, Assert.Single(_replica.Rows("T")).Text("name")));
    }

    [Fact]
    public void A_server_by_the_book_is_followed_by_a_plain_monitor()
    {
        _session.Connected();
        Refuse("get_schema");
        Expect("lock", """["lock"]""", """{"locked":true}""");
        Expect("get_schema", """["D"]""", Schema);
        Refuse("monitor_cond");
        Expect("monitor", """["D",["monid","D"],{"T":{"columns":["name"]}}]""", """{"T":{"ROW":{"new":{"name":"a"}}}}""");
        Tell("update", """[["monid","D"],{"T":{"ROW":{"old":{"name":"a"},"new":{"name":"b"}}}}]""");
        Assert.Equal(("monitor", "b"), (_session.MonitorMethod, Assert.Single(_replica.Rows("T")).Text("name")));
    }

    [Fact]
    public void A_lock_is_waited_for_taken_and_lost()
    {
        _session.Connected();
        Take("get_schema");
        Answer(Take("lock"), """{"locked":false}""", "null");
        Assert.Equal((false, true), (_session.HasLock, _session.IsLockContended));
        Tell("locked", """["lock"]""");
        Assert.Equal((true, false), (_session.HasLock, _session.IsLockContended));
        Tell("stolen", """["another"]""");
        Assert.True(_session.HasLock);
        Tell("stolen", """["lock"]""");
        Assert.Equal((false, true), (_session.HasLock, _session.IsLockContended));
    }

    [Fact]
    public void The_server_is_answered_when_it_asks_whether_one_is_there()
    {
        // Half of a surrogate pair goes back as it came.
        Receive("""{"id":"echo","method":"echo","params":[1,"\ud800"]}""");
        Assert.True(_session.TryTake(out OvsdbMessage? reply));
        Assert.Equal("""{"id":"echo","result":[1,"\ud800"],"error":null}""", Encoding.UTF8.GetString(reply!.Write()));
    }

    [Fact]
    public void A_server_that_is_not_connected_or_changes_its_schema_is_left()
    {
        Begin();
        Assert.Throws<OvsdbException>(() => HaveServer(connected: false));
        Begin();
        HaveServer(connected: true);
        Assert.Throws<OvsdbException>(() => Tell("update2", """[["monid","_Server"],{"Database":{"ROW":{"modify":{"schema":"{\"tables\":{}}"}}}}]"""));
        Begin();
        HaveServer(connected: true);
        Assert.Throws<OvsdbException>(() => Tell("monitor_canceled", """[["monid","D"]]"""));
    }

    [Fact]
    public void A_transaction_ends_with_the_lock_and_its_answer_is_read()
    {
        OvsdbTransaction transaction = new("D", "lock");
        transaction.Update("T", Guid.Parse(Row), [new("name", OvsdbDatum.Of(OvsdbAtom.Of("x")))]);
        transaction.Mutate("T", Guid.Parse(Row), "n", "+=", OvsdbDatum.Of(OvsdbAtom.Of(1)));
        transaction.Insert("T", "new", [new("other", OvsdbDatum.Of(OvsdbAtom.OfRowName("x")))]);
        transaction.Delete("T", Guid.Parse(Row));
        string? error = "none";
        _session.Transact(transaction, reply => error = OvsdbTransaction.ErrorOf(reply));
        OvsdbRequest sent = Take("transact");
        Assert.Equal("""["D",{"op":"update","table":"T","where":[["_uuid","==",["uuid","ROW"]]],"row":{"name":"x"}},{"op":"mutate","table":"T","where":[["_uuid","==",["uuid","ROW"]]],"mutations":[["n","+=",1]]},{"op":"insert","table":"T","uuid-name":"new","row":{"other":["named-uuid","x"]}},{"op":"delete","table":"T","where":[["_uuid","==",["uuid","ROW"]]]},{"op":"assert","lock":"lock"}]""".Replace("ROW", Row, StringComparison.Ordinal), sent.Params.GetRawText());
        Answer(sent, """[{"count":1},{"count":1},{"uuid":["uuid","x"]},{"count":1},{"error":"not owner","details":"lost"}]""", "null");
        Assert.Equal(("not owner: lost", 0), (error, _session.PendingTransactions));
    }

    private void Begin()
    {
        _session.Connected();
        Expect("get_schema", """["_Server"]""", """{"tables":{"Database":{"columns":{"name":{},"connected":{},"schema":{},"model":{},"leader":{}}}}}""");
        Expect("lock", """["lock"]""", """{"locked":true}""");
    }

    private void HaveServer(bool connected)
        => Expect("monitor_cond", """["_Server",["monid","_Server"],{"Database":[{"columns":["connected","leader","model","name","schema"]}]}]""",
            """{"Database":{"ROW":{"initial":{"name":"D","connected":CONNECTED,"schema":SCHEMA}}}}""".Replace("CONNECTED", connected ? "true" : "false", StringComparison.Ordinal)
                .Replace("SCHEMA", JsonSerializer.Serialize(Schema), StringComparison.Ordinal));

    private void Expect(string method, string parameters, string result)
    {
        OvsdbRequest request = Take(method);
        Assert.Equal(parameters, request.Params.GetRawText());
        Answer(request, result, "null");
    }

    private void Refuse(string method) => Answer(Take(method), "null", "\"unknown method\"");

    private OvsdbRequest Take(string method)
    {
        Assert.True(_session.TryTake(out OvsdbMessage? message), $"{method} is not asked for");
        OvsdbRequest request = Assert.IsType<OvsdbRequest>(message);
        Assert.Equal(method, request.Method);
        return request;
    }

    private void Answer(OvsdbRequest request, string result, string error) => Receive($"{{\"id\":{request.Id.GetRawText()},\"result\":{result},\"error\":{error}}}");

    private void Tell(string method, string parameters) => Receive($"{{\"id\":null,\"method\":\"{method}\",\"params\":{parameters}}}");

    private void Receive(string text) => _session.Receive(OvsdbMessage.Parse(Encoding.UTF8.GetBytes(text.Replace("ROW", Row, StringComparison.Ordinal))));
}
