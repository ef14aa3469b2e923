using System.Text.Json;

namespace Mergeflow.Control.Ovsdb;

/// <summary>
/// What is said on one connection after the other to keep a replica (OVS <c>lib/ovsdb-cs.c</c>); it knows no socket and no thread. Messages go in by <see cref="Receive"/>, those to be sent come out by <see cref="TryTake"/>.
/// <list type="number">
/// <item><c>get_schema _Server</c> and <c>lock</c>; <c>monitor_cond _Server</c> tells whether the database is there, and its schema. A server without <c>_Server</c> is asked for the schema.</item>
/// <item><c>monitor_cond_since</c> with the last transaction seen; where that is refused <c>monitor_cond</c>, then <c>monitor</c>.</item>
/// <item>Updates, <c>echo</c>, <c>locked</c> and <c>stolen</c>. An <see cref="OvsdbException"/> ends the connection.</item>
/// </list>
/// </summary>
/// <param name="replica">Kept from connection to connection.</param>
/// <param name="database">Its name.</param>
/// <param name="lockName">Lock without which nothing may be written; null = none.</param>
public sealed class OvsdbSession(OvsdbReplica replica, string database, string? lockName)
{
    private const string Server = "_Server";
    private const string ServerTable = "Database";
    private static readonly OvsdbTable s_databases = new(ServerTable,
    [
        new("name", OvsdbType.One(OvsdbAtomType.String)), new("model", OvsdbType.One(OvsdbAtomType.String)), new("connected", OvsdbType.One(OvsdbAtomType.Boolean)),
        new("leader", OvsdbType.One(OvsdbAtomType.Boolean)), new("schema", OvsdbType.Optional(OvsdbAtomType.String)), new("cid", OvsdbType.Optional(OvsdbAtomType.Uuid)), new("index", OvsdbType.Optional(OvsdbAtomType.Integer)),
    ]);

    private readonly Queue<OvsdbMessage> _outgoing = new();
    private readonly Dictionary<long, Action<OvsdbReply>> _transactions = [];
    private OvsdbReplica _server = new([s_databases]);
    private string? _schemaText;
    private OvsdbServerSchema? _schema;
    private long _lastId;
    private long _awaited;
    private long _lockId;
    private Action<OvsdbReply>? _onReply;
    private string _lastTransaction = Guid.Empty.ToString("D");

    /// <summary>What is known of the database.</summary>
    public OvsdbReplica Replica => replica;

    /// <summary>The replica has all that the server has, and gets what changes.</summary>
    public bool IsSynchronized { get; private set; }

    /// <summary>The replica was complete once: what it has may be old, but it is whole.</summary>
    public bool HasBeenSynchronized { get; private set; }

    /// <summary>This session has the lock.</summary>
    public bool HasLock { get; private set; }

    /// <summary>Another session has the lock (OVS <c>ovsdb_idl_is_lock_contended</c>).</summary>
    public bool IsLockContended { get; private set; }

    /// <summary>The server has the column: an older one has fewer, and refuses a transaction that names another.</summary>
    public bool HasColumn(string table, string column) => _schema?.Has(table, column) ?? false;

    /// <summary>Transactions without an answer yet.</summary>
    public int PendingTransactions => _transactions.Count;

    /// <summary>How the database is followed: <c>monitor_cond_since</c>, <c>monitor_cond</c> or <c>monitor</c>; empty before that.</summary>
    public string MonitorMethod { get; private set; } = "";

    /// <summary>There is a connection: begins.</summary>
    public void Connected()
    {
        Disconnected();
        _outgoing.Clear();
        Ask("get_schema", OvsdbJson.Make(static json => WriteStrings(json, Server)), HaveServerSchema);
        if (lockName is not null) _lockId = Request("lock", OvsdbJson.Make(json => WriteStrings(json, lockName)));
    }

    /// <summary>The connection is gone, and the lock with it; the replica stays as it was.</summary>
    public void Disconnected()
    {
        (HasLock, IsLockContended, IsSynchronized) = (false, false, false);
        (_awaited, _lockId, _onReply, _schemaText) = (0, 0, null, null);
        _server = new OvsdbReplica([s_databases]);
        MonitorMethod = "";
        _transactions.Clear();
    }

    /// <summary>The next message to be sent.</summary>
    public bool TryTake(out OvsdbMessage? message) => _outgoing.TryDequeue(out message);

    /// <summary>Asks the server whether it is there.</summary>
    public void Probe() => _outgoing.Enqueue(new OvsdbRequest(OvsdbJson.Make(static json => json.WriteStringValue("echo")), "echo", OvsdbJson.Make(static json => WriteStrings(json))));

    /// <summary>Sends a transaction.</summary>
    /// <param name="transaction">With at least one operation.</param>
    /// <param name="done">Gets its answer; is never called when the connection ends before.</param>
    public void Transact(OvsdbTransaction transaction, Action<OvsdbReply> done) => _transactions.Add(Request("transact", transaction.Params()), done);

    /// <summary>Takes what has come.</summary>
    /// <exception cref="OvsdbException">Nothing more is to be had from this connection.</exception>
    public void Receive(OvsdbMessage message)
    {
        switch (message)
        {
            case OvsdbRequest { Method: "echo" } echo:
                _outgoing.Enqueue(new OvsdbReply(echo.Id, echo.Params, OvsdbJson.Make(static json => json.WriteNullValue())));
                break;
            case OvsdbRequest request:
                throw new OvsdbException($"the server asks for \"{request.Method}\"");
            case OvsdbNotification notification:
                Take(notification);
                break;
            case OvsdbReply reply:
                Take(reply);
                break;
        }
    }

    private static void WriteStrings(Utf8JsonWriter json, params ReadOnlySpan<string> texts)
    {
        json.WriteStartArray();
        foreach (string text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void WriteMonitorId(Utf8JsonWriter json, string of) => WriteStrings(json, "monid", of);

    private static bool IsMonitorOf(JsonElement id, string of) => OvsdbJson.TryPair(id, out string? word, out JsonElement name) && word == "monid" && name.ValueKind == JsonValueKind.String && OvsdbJson.Text(name) == of;

    private static void Require(OvsdbReply reply, string what)
    {
        if (reply.IsError) throw new OvsdbException($"{what} was refused: {OvsdbJson.Short(reply.Error)}");
    }

    private long Request(string method, JsonElement parameters)
    {
        long id = ++_lastId;
        _outgoing.Enqueue(new OvsdbRequest(OvsdbJson.Make(json => json.WriteNumberValue(id)), method, parameters));
        return id;
    }

    private void Ask(string method, JsonElement parameters, Action<OvsdbReply> onReply) => (_awaited, _onReply) = (Request(method, parameters), onReply);

    private void Take(OvsdbReply reply)
    {
        if (reply.Id.ValueKind != JsonValueKind.Number || !reply.Id.TryGetInt64(out long id)) return;
        if (_transactions.Remove(id, out Action<OvsdbReply>? done))
        {
            done(reply);
        }
        else if (id == _lockId)
        {
            Require(reply, "lock");
            JsonElement locked = OvsdbJson.Members(reply.Result).FirstOrDefault(static m => m.Key == "locked").Value;
            if (locked.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) throw new OvsdbException("lock has no result");
            HasLock = locked.ValueKind == JsonValueKind.True;
            IsLockContended = !HasLock;
        }
        else if (id == _awaited && _onReply is { } next)
        {
            (_awaited, _onReply) = (0, null);
            next(reply);
        }
    }

    private void Take(OvsdbNotification told)
    {
        JsonElement[] p = OvsdbJson.Elements(told.Params);
        switch (told.Method)
        {
            case "locked" or "stolen":
                if (p.Length != 1 || p[0].ValueKind != JsonValueKind.String || OvsdbJson.Text(p[0]) != lockName) return;
                HasLock = told.Method == "locked";
                IsLockContended = !HasLock;
                return;
            case "monitor_canceled":
                throw new OvsdbException("the server has ended the monitor");
            case "update3" when p.Length == 3 && IsMonitorOf(p[0], database) && MonitorMethod == "monitor_cond_since":
                replica.Update2(p[2], isAll: false);
                _lastTransaction = OvsdbJson.Text(p[1]);
                return;
            case "update2" when p.Length == 2 && IsMonitorOf(p[0], database) && MonitorMethod == "monitor_cond":
                replica.Update2(p[1], isAll: false);
                return;
            case "update" when p.Length == 2 && IsMonitorOf(p[0], database) && MonitorMethod == "monitor":
                replica.Update(p[1], isAll: false);
                return;
            case "update2" when p.Length == 2 && IsMonitorOf(p[0], Server):
                _server.Update2(p[1], isAll: false);
                CheckServer();
                return;
        }
    }

    private void HaveServerSchema(OvsdbReply reply)
    {
        if (reply.IsError)
        {
            AskSchema();
            return;
        }

        OvsdbServerSchema schema = OvsdbServerSchema.Parse(reply.Result);
        Ask("monitor_cond", MonitorParams(Server, [s_databases], schema, null, asArray: true), HaveServer);
    }

    private void HaveServer(OvsdbReply reply)
    {
        if (reply.IsError)
        {
            AskSchema();
            return;
        }

        _server.Update2(reply.Result, isAll: true);
        CheckServer();
    }

    private void AskSchema() => Ask("get_schema", OvsdbJson.Make(json => WriteStrings(json, database)), HaveSchema);

    private void HaveSchema(OvsdbReply reply)
    {
        Require(reply, $"the schema of {database}");
        OvsdbServerSchema schema = _schema = OvsdbServerSchema.Parse(reply.Result);
        Ask("monitor_cond", MonitorParams(database, replica.Tables, schema, null, asArray: true), answer => HaveMonitorCond(answer, schema));
    }

    /// <summary>The database is there, and its schema has not changed: otherwise one begins anew.</summary>
    private void CheckServer()
    {
        OvsdbRow row = _server.Rows(ServerTable).FirstOrDefault(r => r.Text("name") == database) ?? throw new OvsdbException($"the server has no database {database}");
        if (!row.Boolean("connected")) throw new OvsdbException($"the server is not connected to the database {database}");
        if (row.OptionalText("schema") is not { } schema) throw new OvsdbException($"the server has no schema of {database}");
        if (_schemaText == schema) return;
        if (_schemaText is not null) throw new OvsdbException($"the schema of {database} has changed");
        _schemaText = schema;
        OvsdbServerSchema parsed = _schema = OvsdbServerSchema.Parse(schema);
        Ask("monitor_cond_since", MonitorParams(database, replica.Tables, parsed, _lastTransaction, asArray: true), answer => HaveMonitorCondSince(answer, parsed));
        Request("set_db_change_aware", OvsdbJson.Make(static json =>
        {
            json.WriteStartArray();
            json.WriteBooleanValue(true);
            json.WriteEndArray();
        }));
    }

    private void HaveMonitorCondSince(OvsdbReply reply, OvsdbServerSchema schema)
    {
        if (reply.IsError)
        {
            Ask("monitor_cond", MonitorParams(database, replica.Tables, schema, null, asArray: true), answer => HaveMonitorCond(answer, schema));
            return;
        }

        JsonElement[] result = OvsdbJson.Elements(reply.Result);
        if (result.Length != 3 || result[0].ValueKind is not (JsonValueKind.True or JsonValueKind.False)) throw new OvsdbException("monitor_cond_since has no result");
        string last = OvsdbJson.Text(result[1]);
        replica.Update2(result[2], isAll: result[0].ValueKind == JsonValueKind.False);
        _lastTransaction = last;
        Synchronized("monitor_cond_since");
    }

    private void HaveMonitorCond(OvsdbReply reply, OvsdbServerSchema schema)
    {
        if (reply.IsError)
        {
            Ask("monitor", MonitorParams(database, replica.Tables, schema, null, asArray: false), HaveMonitor);
            return;
        }

        replica.Update2(reply.Result, isAll: true);
        Synchronized("monitor_cond");
    }

    private void HaveMonitor(OvsdbReply reply)
    {
        Require(reply, "monitor");
        replica.Update(reply.Result, isAll: true);
        Synchronized("monitor");
    }

    private void Synchronized(string method)
    {
        MonitorMethod = method;
        IsSynchronized = HasBeenSynchronized = true;
        if (method != "monitor_cond_since") _lastTransaction = Guid.Empty.ToString("D");
    }

    /// <summary>Parameters of a monitor: what the server has of what is kept.</summary>
    private static JsonElement MonitorParams(string of, IReadOnlyList<OvsdbTable> tables, OvsdbServerSchema schema, string? since, bool asArray) => OvsdbJson.Make(json =>
    {
        json.WriteStartArray();
        json.WriteStringValue(of);
        WriteMonitorId(json, of);
        json.WriteStartObject();
        foreach (OvsdbTable table in tables.Where(t => schema.Has(t.Name)))
        {
            json.WritePropertyName(table.Name);
            if (asArray) json.WriteStartArray();
            json.WriteStartObject();
            json.WriteStartArray("columns");
            foreach (string column in table.Columns.Select(static c => c.Name).Where(c => schema.Has(table.Name, c)).Order(StringComparer.Ordinal)) json.WriteStringValue(column);
            json.WriteEndArray();
            json.WriteEndObject();
            if (asArray) json.WriteEndArray();
        }

        json.WriteEndObject();
        if (since is not null) json.WriteStringValue(since);
        json.WriteEndArray();
    });
}
