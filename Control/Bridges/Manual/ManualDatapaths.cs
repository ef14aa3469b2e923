namespace Mergeflow.Control.Bridges;

/// <summary>The datapaths that people have made by hand, by <c>TYPE@NAME</c> (OVS <c>dpif_create</c>, <c>dpif_delete</c>). For the thread that makes bridges.</summary>
public sealed class ManualDatapaths : IDisposable
{
    /// <summary>Most of them: each has packet threads and tables of its own.</summary>
    public const int Most = 16;

    private readonly LiveBridgeHost _host;
    private readonly SortedDictionary<string, ManualDatapath> _all = new(StringComparer.Ordinal);

    internal ManualDatapaths(LiveBridgeHost host) => _host = host;

    /// <summary>All of them, by name.</summary>
    public IReadOnlyCollection<ManualDatapath> All => _all.Values;

    /// <summary>One by its name; null = there is none.</summary>
    public ManualDatapath? Find(string fullName) => _all.GetValueOrDefault(fullName);

    /// <summary>Makes one, with the port that bears its name.</summary>
    /// <param name="type">Of bridges that would be in it.</param>
    /// <param name="name">Its name among those of its type.</param>
    /// <exception cref="IOException">It is there, or cannot be made.</exception>
    public void Create(string type, string name)
    {
        string fullName = $"{type}@{name}";
        if (_all.ContainsKey(fullName)) throw new IOException("File exists");
        if (type == "system" || !_host.DatapathTypes.Contains(type)) throw new IOException("Address family not supported by protocol");
        if (_all.Count == Most) throw new IOException("Too many open files");
        _all.Add(fullName, new ManualDatapath(_host, type, name));
    }

    /// <summary>One goes, with its ports; false if there is none of that name.</summary>
    public bool Delete(string fullName)
    {
        if (!_all.Remove(fullName, out ManualDatapath? gone)) return false;
        gone.Dispose();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ManualDatapath datapath in _all.Values) datapath.Dispose();
        _all.Clear();
    }
}
