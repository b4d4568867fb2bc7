// wide JSON

JSON.parse('[' + '[],'.repeat(1e7) + '1]')
